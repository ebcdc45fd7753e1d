//! Granite 3 (IBM 2024): Llama with factors on embeddings, attention scores, residuals and logits.

use super::{Architecture, Config, decoder_spec::DecoderSpec, sizes::Sizes};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "granite",
    architectures: &["GraniteForCausalLM"],
    model_types: &["granite"],
    gguf: Some("granite"),
    positions: "rotary",
    special: "factors on embeddings, scores, residuals and logits",
    users: "Granite 3",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let spec = DecoderSpec {
        embedding_scale: config.number_or("embedding_multiplier", 1.0)?,
        attention_scale: config.number_or("attention_multiplier", 1.0)?,
        residual_scale: config.number_or("residual_multiplier", 1.0)?,
        logit_scale: 1.0 / config.positive_or("logits_scaling", 1.0)?,
        ..DecoderSpec::llama(config, &sizes)?
    };
    spec.build(config, weights, &sizes)
}
