//! OLMoE (Muennighoff et al. 2024, arXiv 2409.02060): a mixture of small experts in every layer, and norms over all heads
//! of queries and keys.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, QueryKeyNorms},
    experts::{ExpertNames, Experts},
    olmo::clip,
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "olmoe",
    architectures: &["OlmoeForCausalLM"],
    model_types: &["olmoe"],
    gguf: Some("olmoe"),
    positions: "rotary",
    special: "a mixture of small experts; norms over all query and key heads",
    users: "OLMoE",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let fields = SizeFields { default_epsilon: 1e-5, ..SizeFields::LLAMA };
    let sizes = Sizes::from_fields(config, &fields, None)?;
    let experts = Experts::from_config(config, ExpertNames::QWEN, ("num_experts", 64), 8, sizes.inner, sizes.layers)?;
    let rescaled = config.flag_or("norm_topk_prob", false)?;
    let spec = DecoderSpec {
        query_key_norms: QueryKeyNorms::Whole,
        clip: clip(config)?,
        experts: Some(Experts { rescaled, ..experts }),
        ..DecoderSpec::llama(config, &sizes)?
    };
    spec.build(config, weights, &sizes)
}
