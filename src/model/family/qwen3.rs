//! Qwen3 (Yang et al. 2025, arXiv 2505.09388): Llama with a norm on each query and key head.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, QueryKeyNorms, windows},
    sizes::Sizes,
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "qwen3",
    architectures: &["Qwen3ForCausalLM"],
    model_types: &["qwen3"],
    gguf: Some("qwen3"),
    positions: "rotary",
    special: "a norm on each query and key head",
    users: "Qwen3",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, Some(128))?;
    let (slides, from) = (config.flag_or("use_sliding_window", false)?, config.number_or("max_window_layers", 28.0)?);
    let windows = windows(config, sizes.layers, |layer| slides && layer as f64 >= from)?;
    let spec = DecoderSpec { query_key_norms: QueryKeyNorms::PerHead, windows, ..DecoderSpec::llama(config, &sizes)? };
    spec.build(config, weights, &sizes)
}
