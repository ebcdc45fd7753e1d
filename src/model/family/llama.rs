//! Llama 1, 2 and 3 (Touvron et al. 2023, arXiv 2302.13971), tied or untied, with grouped-query attention.

use super::{Architecture, Config, decoder_spec::DecoderSpec, sizes::Sizes};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "llama",
    architectures: &["LlamaForCausalLM"],
    model_types: &["llama"],
    gguf: Some("llama"),
    positions: "rotary",
    special: "the reference: RMS norms before blocks, gated MLP, grouped queries",
    users: "Llama 1 to 3.x, SmolLM 1 and 2, TinyLlama, Yi, DeepSeek LLM",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    DecoderSpec::llama(config, &sizes)?.build(config, weights, &sizes)
}
