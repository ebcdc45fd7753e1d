//! Decoder models: loading, and one forward pass for all architectures that probes can observe.

mod adapter;
pub mod attention;
mod blocks;
pub mod card;
pub mod catalogue;
pub mod chat;
pub mod decoder;
pub mod family;
mod files;
mod functions;
mod gguf;
mod groups;
mod head_grams;
pub mod hub;
pub mod inspect;
pub mod intervention;
pub(crate) mod kernels;
pub mod layer;
pub mod layers;
pub mod matrix;
pub mod memory;
pub mod mlp;
mod ollama;
pub mod packed;
pub mod probe;
pub mod prompt;
pub mod rope;
mod sentence_piece;
pub mod source;
pub mod stream;
pub mod tokenizer;
mod tokenizer_check;
pub mod weights;

use std::{thread, time::Instant};

pub use blocks::{BlockMatrix, BlockType};
use candle_core::{Device, DeviceLocation};
pub use chat::{ChatTemplate, Turn};
pub use decoder::{Decoder, HeadGrams};
pub(crate) use files::Files;
pub use intervention::{Intervention, Positions, Results};
pub use kernels::arithmetic;
pub use layers::{Norm, NormKind};
pub use matrix::Matrix;
pub use packed::Packed;
pub use probe::{NoProbe, Probe};
pub use prompt::{Prompt, Tokens};
pub use rope::Regime;
pub use source::{LoadOptions, Source};
pub use stream::{PrefixCache, PrefixStream, Stream};
pub use tokenizer::Tokenizer;
pub use weights::{Dtype, LoadObserver, describe_loading};

use crate::{
    error::{Error, Result},
    run::ModelMeta,
};

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
    /// BLAKE3 over everything that determines its results: weights, configuration, dtype, architecture, device, and how
    /// this processor adds.
    pub identity: String,
    /// Seconds it took to load.
    pub load_seconds: f64,
    /// Sentences about how its weights were made, beyond reading them: adapters that were merged.
    pub notes: Vec<String>,
}

impl Model {
    /// Loads the model that `source` names.
    ///
    /// # Errors
    /// If a file is missing or unsound, or the architecture is not supported.
    pub fn load(source: &Source, options: &LoadOptions) -> Result<Self> {
        Self::from_files(source, source.open(options)?, options)
    }

    /// As [`Model::load`], from the opened `files` of `source`.
    pub(crate) fn from_files(source: &Source, files: Files, options: &LoadOptions) -> Result<Self> {
        let started = Instant::now();
        let files = files.merged(options.free_memory())?;
        let family = family::choose(&files.config)?;
        let precision = memory::choose(&files.weights, options.dtype, options.free_memory())?;
        let weights = files.weights.with_precision(precision).observed_by(options.observer.clone());
        let (decoder, weights_hash) = thread::scope(|scope| {
            let hash = scope.spawn(|| weights.hash());
            let decoder = (family.build)(&files.config, &weights);
            let hash = hash.join().unwrap_or_else(|_| Err(Error::Model("hashing the weights failed".to_owned())));
            Ok::<_, Error>((decoder?, hash?))
        })?;
        if let Some(name) = weights.unread() {
            let problem = "an adapter changes this tensor, which the model does not use";
            return Err(weights.error(name, problem).help("use the model that the adapter was trained on").into());
        }
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
            weights_hash,
        };
        // The name of the dtype does not tell a file that is mostly in q8_0 from one that is converted to it.
        let precision = format!("{:?}", weights.precision());
        let arithmetic = if options.device.is_cpu() { kernels::arithmetic()? } else { "" }.to_owned();
        let facts = [&meta.weights_hash, &precision, &meta.device, &meta.family, &files.config.text(), &arithmetic];
        let identity = blake3::hash(facts.map(String::as_str).join("\n").as_bytes()).to_hex().to_string();
        let (notes, load_seconds) = (weights.notes().to_vec(), started.elapsed().as_secs_f64());
        Ok(Self { decoder, tokenizer, chat: files.chat, meta, identity, load_seconds, notes })
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
