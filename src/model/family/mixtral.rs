//! Mixtral (Jiang et al. 2024, arXiv 2401.04088): Mistral with a mixture of experts as its MLP.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, Sizes, windows},
    scaling::{RopeDefaults, rope},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "mixtral",
    architectures: &["MixtralForCausalLM"],
    model_types: &["mixtral"],
    gguf: None,
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let slides = config.get("sliding_window").is_some();
    let windows = windows(config, sizes.layers, |_| slides)?;
    let experts = (config.count_or("num_local_experts", 8)?, config.count_or("num_experts_per_tok", 2)?);
    if experts.1 > experts.0 {
        let problem = format!("{} experts cannot be chosen from {}", experts.1, experts.0);
        return Err(config.error("num_experts_per_tok", problem).into());
    }
    let rope = rope(config, sizes.head_dim, RopeDefaults { theta: 1e6, ..RopeDefaults::default() })?;
    let spec =
        DecoderSpec { windows, experts: Some(experts), ropes: vec![rope], ..DecoderSpec::llama(config, &sizes)? };
    spec.build(config, weights, &sizes)
}
