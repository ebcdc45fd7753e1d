//! Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv 2407.10671): Llama with biases on queries, keys and values.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, windows},
    sizes::Sizes,
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "qwen2",
    architectures: &["Qwen2ForCausalLM"],
    model_types: &["qwen2"],
    gguf: Some("qwen2"),
    positions: "rotary",
    special: "biases on queries, keys and values",
    users: "Qwen1.5, Qwen2, Qwen2.5, DeepSeek-R1-Distill-Qwen",
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, None)?;
    let (slides, from) = (config.flag_or("use_sliding_window", false)?, config.number_or("max_window_layers", 28.0)?);
    let windows = windows(config, sizes.layers, |layer| slides && layer as f64 >= from)?;
    let spec = DecoderSpec {
        biases: Biases { input: true, ..Biases::default() },
        windows,
        ..DecoderSpec::llama(config, &sizes)?
    };
    spec.build(config, weights, &sizes)
}
