//! OLMo-2 (OLMo team 2024, arXiv 2501.00656): norms after each block, and over all heads of queries and keys.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, Norms, QueryKeyNorms, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "olmo2",
    architectures: &["Olmo2ForCausalLM"],
    model_types: &["olmo2"],
    gguf: Some("olmo2"),
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let llama = DecoderSpec::llama(config, &sizes)?;
    let spec = DecoderSpec { norms: Norms::After, query_key_norms: QueryKeyNorms::Whole, ..llama };
    spec.build(config, weights, &sizes)
}
