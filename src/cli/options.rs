//! Options for the model and its computation.

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

/// Name of the embedded model.
const DEMO: &str = "demo";

/// The model and how it computes.
#[derive(Args, Clone, Debug)]
pub(super) struct ModelOptions {
    /// Model: `demo`, a folder with config.json, tokenizer.json and safetensors, a GGUF file, or org/name[@revision]
    /// [default: the model of a saved run, or else `demo`]
    #[arg(short, long, default_value = DEMO, hide_default_value = true, value_name = "MODEL")]
    pub(super) model: String,
    /// Data type of the weights: auto, f32, f16, bf16 or q8_0
    #[arg(long, default_value = "auto", value_name = "DTYPE")]
    dtype: String,
    /// Device: auto, cpu, cuda, cuda:N or metal
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: String,
    /// Number of threads [default: all cores]; matrix products of quantised weights use CANDLE_NUM_THREADS instead
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Never connect to the network
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
    /// Parses the model given with `-m`.
    pub(super) fn source(&self) -> Result<Source> {
        if self.offline {
            go_offline();
        }
        self.model.parse()
    }

    /// Returns how to load the model. Also sets the number of threads of the whole program.
    pub(super) fn load_options(&self) -> Result<LoadOptions> {
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build_global();
            pool.map_err(|error| Error::from(InputError::new(error.to_string()).field("--threads")))?;
        }
        let device = LoadOptions::device(&self.device)?;
        let watcher = if std::io::stderr().is_terminal() { Watcher::new(show_download) } else { Watcher::default() };
        Ok(LoadOptions { device, dtype: self.dtype.parse()?, offline: self.offline, watcher, ..LoadOptions::default() })
    }

    /// Returns the options with the run's `model` in place of the default model.
    pub(super) fn for_run(&self, model: &ModelMeta) -> Self {
        let model = if self.model == DEMO { &model.id } else { &self.model };
        Self { model: model.clone(), ..self.clone() }
    }

    /// Returns the options for `model`, with defaults for everything else.
    pub(super) fn named(model: &str, offline: bool) -> Self {
        Self { model: model.to_owned(), offline, ..Self::default() }
    }

    /// Returns the model's tokenizer and chat template, without loading its weights.
    pub(super) fn reader(&self) -> Result<(Tokenizer, Option<ChatTemplate>)> {
        self.source()?.reader(&self.load_options()?)
    }

    /// Loads the model.
    pub(super) fn load(&self) -> Result<Model> {
        let options = self.load_options()?;
        Model::load(&self.source()?, &options)
    }
}

/// Shows the progress of a download in one line.
fn show_download(download: &Download<'_>) {
    let total = download.total.map_or_else(String::new, |total| format!(" of {}", gigabytes(total)));
    let end = if download.total == Some(download.done) { "\n" } else { "" };
    eprint!("\r\x1b[K{}: {}{total}{end}", printable(download.file), gigabytes(download.done));
}
