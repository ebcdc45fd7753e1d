//! Options for the model and its computation.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use clap::Args;

use super::{
    output::warn,
    streams::{end_line, paint, shows_progress},
};
use crate::{
    error::{Error, InputError, Result},
    hub::go_offline,
    model::{
        ChatTemplate, LoadObserver, LoadOptions, Model, Source, Tokenizer, describe_loading,
        hub::{Download, Watcher},
    },
    run::ModelMeta,
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
    /// Data type of the weights in memory: auto (as in the file; f32 on a card if it fits), f32, f16, bf16 or q8_0
    #[arg(long, default_value = "auto", value_name = "DTYPE")]
    dtype: String,
    /// Device: auto, cpu, cuda, cuda:N or metal
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: String,
    /// Number of threads [default: all cores]
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

    /// Returns the name of the model, as given.
    #[cfg(feature = "tui")]
    pub(super) fn name(&self) -> &str {
        &self.model
    }

    /// Returns how to load the model. Also sets the number of threads of the whole program.
    pub(super) fn load_options(&self) -> Result<LoadOptions> {
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build_global();
            pool.map_err(|error| Error::from(InputError::new(error.to_string()).field("--threads")))?;
        }
        let device = LoadOptions::device(&self.device)?;
        let watcher = if shows_progress() { Watcher::new(show_download) } else { Watcher::default() };
        let observer = if shows_progress() { loading_line() } else { LoadObserver::default() };
        let (dtype, offline) = (self.dtype.parse()?, self.offline);
        Ok(LoadOptions { device, dtype, offline, watcher, observer, ..LoadOptions::default() })
    }

    /// Returns the options with the run's `model` in place of the default model, and its dtype if it is one of floats.
    pub(super) fn for_run(&self, model: &ModelMeta) -> Self {
        let own = self.model == DEMO || self.model == model.id;
        let name = if self.model == DEMO { &model.id } else { &self.model };
        let widened = ["f32", "f16", "bf16"].contains(&model.dtype.as_str());
        let dtype = if own && widened && self.dtype == "auto" { &model.dtype } else { &self.dtype };
        Self { model: name.clone(), dtype: dtype.clone(), ..self.clone() }
    }

    /// Returns the options for the `model` of a sweep; `work` has the number of threads and whether to stay offline.
    pub(super) fn of_sweep(model: &str, dtype: &str, device: &str, work: (Option<usize>, bool)) -> Self {
        let (threads, offline) = work;
        Self { model: model.to_owned(), dtype: dtype.to_owned(), device: device.to_owned(), threads, offline }
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
        let model = Model::load(&self.source()?, &options)?;
        model.notes.iter().for_each(|note| warn(note));
        Ok(model)
    }
}

/// Shows the progress of loading in one line, from the first quarter of a second on.
fn loading_line() -> LoadObserver {
    let (started, shown) = (Instant::now(), Mutex::new(None));
    LoadObserver::new(move |done, total| {
        let (Ok(mut shown), now) = (shown.lock(), started.elapsed()) else { return };
        if done == total && shown.is_some() {
            paint("");
        } else if now >= shown.map_or(Duration::from_millis(250), |last| last + Duration::from_millis(100)) {
            paint(&format!("loading the model: {}", describe_loading(done, total, now)));
            *shown = Some(now);
        }
    })
}

/// Shows the progress of a download in one line.
fn show_download(download: &Download<'_>) {
    paint(&download.to_string());
    if download.total == Some(download.done) {
        end_line();
    }
}
