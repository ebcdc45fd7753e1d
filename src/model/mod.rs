//! Instrumented decoders: loading them, and one forward pass that a probe can watch.

pub mod attention;
pub mod decoder;
pub mod family;
pub mod layers;
pub mod packed;
pub mod probe;
pub mod rope;
pub mod source;
pub mod tokenizer;
pub mod weights;

use std::time::Instant;

pub use decoder::{Decoder, Prefix};
pub use layers::{Norm, NormKind};
pub use packed::Packed;
pub use probe::{NoProbe, Probe};
pub use source::{LoadOptions, Source};
pub use tokenizer::Tokenizer;

use crate::{error::Result, run::ModelMeta};

/// A loaded model with its tokenizer.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network.
    pub decoder: Decoder,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// What it is, for `run.json`.
    pub meta: ModelMeta,
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
        let decoder = (family.build)(&files.config, &files.weights)?;
        let vocabulary = decoder.embedding.dim(0)?;
        if files.tokenizer.vocabulary() > vocabulary {
            let problem =
                format!("the tokenizer has {} ids, the model only {vocabulary}", files.tokenizer.vocabulary());
            return Err(files.config.wrong("vocab_size", problem).into());
        }
        let meta = ModelMeta {
            id: source.to_string(),
            family: family.name.to_owned(),
            layers: decoder.layers.len(),
            heads: decoder.layers[0].attention.heads,
            hidden: decoder.embedding.dim(1)?,
            dtype: "f32".to_owned(),
            device: "cpu".to_owned(),
            weights_hash: files.weights.hash(),
        };
        Ok(Self { decoder, tokenizer: files.tokenizer, meta, load_seconds: started.elapsed().as_secs_f64() })
    }
}
