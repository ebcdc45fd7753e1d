//! Decoder models: loading, and one forward pass for all architectures that probes can observe.

pub mod attention;
pub mod card;
pub mod chat;
pub mod decoder;
pub mod family;
mod files;
mod functions;
mod gguf;
mod groups;
pub mod hub;
pub mod inspect;
pub mod intervention;
pub(crate) mod kernels;
pub mod layer;
pub mod layers;
pub mod matrix;
pub mod memory;
pub mod mlp;
pub mod packed;
pub mod probe;
pub mod prompt;
pub mod rope;
pub mod source;
pub mod stream;
pub mod tokenizer;
pub mod weights;

use std::time::Instant;

use candle_core::{Device, DeviceLocation};
pub use chat::{ChatTemplate, Turn};
pub use decoder::Decoder;
pub use intervention::{Intervention, Positions, Results};
pub use layers::{Norm, NormKind};
pub use matrix::Matrix;
pub use packed::Packed;
pub use probe::{NoProbe, Probe};
pub use prompt::{Prompt, Tokens};
pub use rope::Regime;
pub use source::{LoadOptions, Source};
pub use stream::{PrefixCache, PrefixStream, Stream};
pub use tokenizer::Tokenizer;
pub use weights::Dtype;

use crate::{error::Result, run::ModelMeta};

/// A loaded model with its tokenizer.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network.
    pub decoder: Decoder,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its chat template, if it has one.
    pub chat: Option<ChatTemplate>,
    /// Description for `run.json`.
    pub meta: ModelMeta,
    /// BLAKE3 over everything that determines its results: weights, configuration, dtype, architecture, device.
    pub identity: String,
    /// Seconds it took to load.
    pub load_seconds: f64,
}

impl Model {
    /// Loads the model that `source` names.
    ///
    /// # Errors
    /// If a file is missing or unsound, or the architecture is not supported.
    pub fn load(source: &Source, options: &LoadOptions) -> Result<Self> {
        let started = Instant::now();
        let files = source.open(options)?;
        let family = family::choose(&files.config)?;
        let precision = memory::choose(&files.weights, options.dtype, options.free_memory())?;
        let weights = files.weights.with_precision(precision);
        let decoder = (family.build)(&files.config, &weights)?;
        options.device.synchronize()?;
        let tokenizer = files.tokenizer.for_vocabulary(decoder.vocabulary()?);
        let tokenizer = tokenizer.map_err(|error| error.path(&files.tokenizer_path))?;
        let meta = ModelMeta {
            id: source.to_string(),
            family: family.name.to_owned(),
            layers: decoder.layers.len(),
            heads: decoder.layers[0].attention.heads,
            hidden: decoder.width()?,
            dtype: weights.dtype_name(),
            device: device_name(&options.device),
            weights_hash: weights.hash()?,
        };
        let facts = [&meta.weights_hash, &meta.dtype, &meta.device, &meta.family, &files.config.text()];
        let identity = blake3::hash(facts.map(String::as_str).join("\n").as_bytes()).to_hex().to_string();
        Ok(Self { decoder, tokenizer, chat: files.chat, meta, identity, load_seconds: started.elapsed().as_secs_f64() })
    }
}

/// Returns the name of `device` in `--device`. It is part of a model's identity, since results differ between devices.
fn device_name(device: &Device) -> String {
    match device.location() {
        DeviceLocation::Cpu if card::is_card(device) => card::SIMULATED_CARD.to_owned(),
        DeviceLocation::Cpu => "cpu".to_owned(),
        DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        DeviceLocation::Metal { .. } => "metal".to_owned(),
    }
}
