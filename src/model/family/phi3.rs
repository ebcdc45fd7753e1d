//! Phi-3 and Phi-4-mini (Abdin et al. 2024, arXiv 2404.14219): fused projections, LongRoPE in long-context variants.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, Sizes, windows},
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
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let slides = config.get("sliding_window").is_some();
    let windows = windows(config, sizes.layers, |_| slides)?;
    let llama = DecoderSpec::llama(config, &sizes)?;
    let spec = DecoderSpec { fused: true, biases: Biases::default(), windows, ..llama };
    spec.build(config, weights, &sizes)
}
