//! Phi-1, 1.5 and 2 (Gunasekar et al. 2023, arXiv 2306.11644; Li et al. 2023, arXiv 2309.05463).
//!
//! Attention and MLP read the same input through one norm, every map has a bias, half of each head is rotated.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, NormSpec, QueryKeyNorms, Residual, activation, layer_norm_sizes},
    names::Names,
    scaling::{RopeDefaults, rope},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "phi",
    architectures: &["PhiForCausalLM"],
    model_types: &["phi"],
    gguf: Some("phi2"),
    positions: "rotary on half of a head",
    special: "attention and MLP in parallel behind one norm; biases everywhere",
    users: "Phi-1, Phi-1.5, Phi-2",
    build,
};

const NAMES: Names = Names {
    norm: "model.final_layernorm",
    output: "self_attn.dense",
    query_norm: "self_attn.q_layernorm",
    key_norm: "self_attn.k_layernorm",
    up: "mlp.fc1",
    down: "mlp.fc2",
    ..Names::LLAMA
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = layer_norm_sizes(config)?;
    let normed = config.flag_or("qk_layernorm", false)?;
    let spec = DecoderSpec {
        names: NAMES,
        norm: NormSpec::LAYER,
        residual: Residual::ParallelWithOneNorm,
        query_key_norms: if normed { QueryKeyNorms::PerHead } else { QueryKeyNorms::None },
        gated: false,
        biases: Biases { unembedding: true, ..Biases::all(true) },
        ..DecoderSpec::plain(&sizes, activation(config, "hidden_act", "gelu_new")?)
    };
    let rope = rope(config, sizes.head_dim, RopeDefaults { rotated: 0.5, ..RopeDefaults::default() })?;
    spec.with_rope(rope).build(config, weights, &sizes)
}
