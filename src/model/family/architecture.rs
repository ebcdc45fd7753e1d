//! Description of one supported architecture.

use super::config::Config;
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

/// A supported architecture: its names and how to build its decoder.
pub struct Architecture {
    /// Short name, as in `run.json`.
    pub name: &'static str,
    /// Values of `architectures` in config.json.
    pub architectures: &'static [&'static str],
    /// Values of `model_type` in config.json.
    pub model_types: &'static [&'static str],
    /// `general.architecture` of its GGUF files; `None` if it has none, or if they go by the name of another one. Tensors
    /// and metadata that are called otherwise than in files of Llama have their rows in `src/model/gguf/`.
    pub gguf: Option<&'static str>,
    /// How it knows the positions of tokens, for the table in docs/models.md.
    pub positions: &'static str,
    /// What it does differently, for that table.
    pub special: &'static str,
    /// Models of this architecture, for that table.
    pub users: &'static str,
    /// Builds the decoder.
    pub build: fn(&Config, &Weights) -> Result<Decoder>,
}
