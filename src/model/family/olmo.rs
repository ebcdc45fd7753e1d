//! OLMo 1 (Groeneveld et al. 2024, arXiv 2402.00838): Llama with layer norms that have no weights; the newer checkpoints
//! clip queries, keys and values.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, NormSpec},
    sizes::Sizes,
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "olmo",
    architectures: &["OlmoForCausalLM"],
    model_types: &["olmo"],
    gguf: Some("olmo"),
    positions: "rotary",
    special: "layer norms without weights; clipped queries, keys and values",
    users: "OLMo 1",
    build,
};

/// Added to the variance by norms; no field of the configuration changes it.
const EPSILON: f64 = 1e-5;

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes { epsilon: EPSILON, ..Sizes::read(config, None)? };
    let spec = DecoderSpec {
        norm: NormSpec { weight: false, bias: false, ..NormSpec::LAYER },
        clip: clip(config)?,
        ..DecoderSpec::llama(config, &sizes)?
    };
    spec.build(config, weights, &sizes)
}

/// Returns the largest magnitude of queries, keys and values.
pub(super) fn clip(config: &Config) -> Result<Option<f64>> {
    config.get("clip_qkv").map(|_| config.positive_or("clip_qkv", 1.0)).transpose()
}
