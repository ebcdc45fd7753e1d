//! Command R (Cohere 2024), R+ and R7B.
//!
//! Attention and MLP read the same input through one layer norm without bias; neighbouring dimensions are rotated. R+ has
//! norms on each query and key head. In R7B every fourth layer attends to all tokens and has no positions.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, NormSpec, QueryKeyNorms, Residual, layer_norm_sizes, windows},
    scaling::{RopeDefaults, rope},
    sizes::Sizes,
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const COHERE: Architecture = Architecture {
    name: "cohere",
    architectures: &["CohereForCausalLM"],
    model_types: &["cohere"],
    gguf: Some("command-r"),
    positions: "rotary, neighbours together",
    special: "attention and MLP in parallel behind one layer norm without bias; scaled logits",
    users: "Command R, Command R+, Aya",
    build: cohere,
};
pub(super) const COHERE2: Architecture = Architecture {
    name: "cohere2",
    architectures: &["Cohere2ForCausalLM"],
    model_types: &["cohere2"],
    gguf: Some("cohere2"),
    positions: "rotary in layers with a window",
    special: "as Command R; every fourth layer attends to everything and has no positions",
    users: "Command R7B, Command A",
    build: cohere2,
};

fn cohere(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = layer_norm_sizes(config)?;
    let normed = config.flag_or("use_qk_norm", false)?;
    let query_key_norms = if normed { QueryKeyNorms::OwnPerHead } else { QueryKeyNorms::None };
    let spec = DecoderSpec { query_key_norms, ..common(config, &sizes, 500_000.0)? };
    spec.build(config, weights, &sizes)
}

fn cohere2(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = layer_norm_sizes(config)?;
    let pattern = config.size_or("sliding_window_pattern", 4)?;
    let windows = windows(config, sizes.layers, |layer| (layer + 1) % pattern != 0)?;
    let layer_ropes = windows.iter().map(|window| window.map(|_| 0)).collect();
    let spec = DecoderSpec { windows, layer_ropes, ..common(config, &sizes, 10_000.0)? };
    spec.build(config, weights, &sizes)
}

fn common(config: &Config, sizes: &Sizes, theta: f64) -> Result<DecoderSpec> {
    let spec = DecoderSpec {
        norm: NormSpec { bias: false, ..NormSpec::LAYER },
        residual: Residual::ParallelWithOneNorm,
        rotates_neighbours: true,
        logit_scale: config.positive_or("logit_scale", 0.0625)?,
        tied: true,
        ..DecoderSpec::llama(config, sizes)?
    };
    Ok(spec.with_rope(rope(config, sizes.head_dim, RopeDefaults { theta, ..RopeDefaults::default() })?))
}
