//! GLM-4 9B and GLM-4-0414 (GLM team 2024, arXiv 2406.12793).
//!
//! Half of each head is rotated, neighbours together; queries, keys and values have biases, gate and up are in one
//! tensor. GLM-4-0414 has norms before and after each block.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, Joined, Norms},
    names::Names,
    scaling::{RopeDefaults, rope},
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const GLM: Architecture = Architecture {
    name: "glm",
    architectures: &["GlmForCausalLM"],
    model_types: &["glm"],
    gguf: None,
    positions: "rotary on half of a head, neighbours together",
    special: "biases on queries, keys and values; gate and up joined",
    users: "GLM-4 9B",
    build: glm,
};
pub(super) const GLM4: Architecture = Architecture {
    name: "glm4",
    architectures: &["Glm4ForCausalLM"],
    model_types: &["glm4"],
    gguf: Some("glm4"),
    positions: "rotary on half of a head, neighbours together",
    special: "as GLM, with norms before and after blocks",
    users: "GLM-4-0414, GLM-Z1",
    build: glm4,
};

const NAMES: Names = Names {
    attention_post_norm: "post_self_attn_layernorm",
    mlp_norm: "post_attention_layernorm",
    mlp_post_norm: "post_mlp_layernorm",
    ..Names::LLAMA
};

fn glm(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = sizes(config)?;
    common(config, &sizes)?.build(config, weights, &sizes)
}

fn glm4(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = sizes(config)?;
    let spec = DecoderSpec { norms: Norms::Around, names: NAMES, ..common(config, &sizes)? };
    spec.build(config, weights, &sizes)
}

fn sizes(config: &Config) -> Result<Sizes> {
    let fields = SizeFields { default_epsilon: 1.5625e-7, ..SizeFields::LLAMA };
    Sizes::from_fields(config, &fields, Some(128))
}

fn common(config: &Config, sizes: &Sizes) -> Result<DecoderSpec> {
    let spec = DecoderSpec {
        gate_and_up: Joined::Whole,
        rotates_neighbours: true,
        biases: Biases { input: config.flag_or("attention_bias", true)?, ..Biases::default() },
        ..DecoderSpec::llama(config, sizes)?
    };
    let defaults = RopeDefaults { rotated: 0.5, ..RopeDefaults::default() };
    Ok(spec.with_rope(rope(config, sizes.head_dim, defaults)?))
}
