//! Llama 1, 2 and 3 (Touvron et al. 2023, arXiv 2302.13971), tied or untied, with grouped-query attention.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "llama",
    architectures: &["LlamaForCausalLM"],
    model_types: &["llama"],
    gguf: Some("llama"),
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    DecoderSpec::llama(config, &sizes)?.build(config, weights, &sizes)
}
