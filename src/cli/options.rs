//! Which model a command takes, and how it computes.

use std::io::IsTerminal;

use clap::Args;

use crate::{
    error::{Error, InputError, Result},
    hub::go_offline,
    model::{
        ChatTemplate, LoadOptions, Model, Source, Tokenizer,
        hub::{Download, Watcher},
        memory::gigabytes,
    },
    run::ModelMeta,
    text::printable,
};

/// What the model that comes with the program is called.
const DEMO: &str = "demo";

/// Which model, and how it computes.
#[derive(Args, Clone, Debug)]
pub(super) struct ModelOptions {
    /// Model: `demo`, a folder with config.json, tokenizer.json and safetensors, a GGUF file, or org/name[@revision];
    /// for a saved run its own, unless another is named
    #[arg(short, long, default_value = DEMO, value_name = "MODEL")]
    pub(super) model: String,
    /// What weights are kept as: auto, f32, f16, bf16 or q8_0
    #[arg(long, default_value = "auto", value_name = "DTYPE")]
    dtype: String,
    /// Where it computes: auto, cpu, cuda, cuda:N or metal
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: String,
    /// Threads for the computation [default: all cores]; products of quantised weights take CANDLE_NUM_THREADS instead
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Never open a connection
    #[arg(long)]
    offline: bool,
}

impl Default for ModelOptions {
    fn default() -> Self {
        let auto = || "auto".to_owned();
        Self { model: DEMO.to_owned(), dtype: auto(), device: auto(), threads: None, offline: false }
    }
}

impl ModelOptions {
    /// What `-m` names.
    pub(super) fn source(&self) -> Result<Source> {
        if self.offline {
            go_offline();
        }
        self.model.parse()
    }

    /// How to load it. Sets the number of threads for the whole program on the way.
    pub(super) fn load_options(&self) -> Result<LoadOptions> {
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build_global();
            pool.map_err(|error| Error::from(InputError::new(error.to_string()).field("--threads")))?;
        }
        let device = LoadOptions::device(&self.device)?;
        let watcher = if std::io::stderr().is_terminal() { Watcher::new(show) } else { Watcher::default() };
        Ok(LoadOptions { device, dtype: self.dtype.parse()?, offline: self.offline, watcher, ..LoadOptions::default() })
    }

    /// The same for a run that `model` made, where no other than the demo is named.
    pub(super) fn or_of(&self, model: &ModelMeta) -> Self {
        let model = if self.model == DEMO { &model.id } else { &self.model };
        Self { model: model.clone(), ..self.clone() }
    }

    /// The model called `model` with all else left open.
    pub(super) fn named(model: &str, offline: bool) -> Self {
        Self { model: model.to_owned(), offline, ..Self::default() }
    }

    /// The model's tokenizer and chat template; its weights are not read.
    pub(super) fn reader(&self) -> Result<(Tokenizer, Option<ChatTemplate>)> {
        self.source()?.reader(&self.load_options()?)
    }

    /// Loads the model.
    pub(super) fn load(&self) -> Result<Model> {
        let options = self.load_options()?;
        Model::load(&self.source()?, &options)
    }
}

/// One line that counts up.
fn show(download: &Download<'_>) {
    let total = download.total.map_or_else(String::new, |total| format!(" of {}", gigabytes(total)));
    let end = if download.total == Some(download.done) { "\n" } else { "" };
    eprint!("\r\x1b[K{}: {}{total}{end}", printable(download.file), gigabytes(download.done));
}
