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
    /// Builds the decoder.
    pub build: fn(&Config, &Weights) -> Result<Decoder>,
}
