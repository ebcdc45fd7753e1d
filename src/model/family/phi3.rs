//! Phi-3 and Phi-4-mini (Abdin et al. 2024, arXiv 2404.14219): fused projections, LongRoPE in long-context variants.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, Joined, has_window, windows},
    sizes::Sizes,
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "phi3",
    architectures: &["Phi3ForCausalLM"],
    model_types: &["phi3"],
    gguf: Some("phi3"),
    positions: "rotary, LongRoPE",
    special: "joined projections",
    users: "Phi-3, Phi-3.5-mini, Phi-4, Phi-4-mini",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let slides = has_window(config);
    let windows = windows(config, sizes.layers, |_| slides)?;
    let llama = DecoderSpec::llama(config, &sizes)?;
    let spec = DecoderSpec {
        projections: Joined::Whole,
        gate_and_up: Joined::Whole,
        biases: Biases::default(),
        windows,
        ..llama
    };
    spec.build(config, weights, &sizes)
}
