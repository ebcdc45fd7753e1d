//! Mixtral (Jiang et al. 2024, arXiv 2401.04088): Mistral with a mixture of experts as its MLP.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, has_window, windows},
    experts::{ExpertNames, Experts},
    scaling::{RopeDefaults, rope},
    sizes::Sizes,
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
    positions: "rotary",
    special: "a mixture of experts in every layer",
    users: "Mixtral 8x7B and 8x22B",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let slides = has_window(config);
    let windows = windows(config, sizes.layers, |_| slides)?;
    let count = ("num_local_experts", 8);
    let experts = Experts::from_config(config, ExpertNames::MIXTRAL, count, 2, sizes.inner, sizes.layers)?;
    let rope = rope(config, sizes.head_dim, RopeDefaults { theta: 1e6, ..RopeDefaults::default() })?;
    let spec = DecoderSpec { windows, experts: Some(experts), ..DecoderSpec::llama(config, &sizes)? };
    spec.with_rope(rope).build(config, weights, &sizes)
}
