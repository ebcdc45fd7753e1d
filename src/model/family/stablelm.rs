//! StableLM 3B and 2 (Bellagente et al. 2024, arXiv 2402.17834): Llama with layer norms; a quarter of each head is rotated.
//!
//! StableLM 2 12B normalises queries and keys per head, and its attention and MLP read the same input through one norm.

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
    name: "stablelm",
    architectures: &["StableLmForCausalLM", "StableLMEpochForCausalLM"],
    model_types: &["stablelm", "stablelm_epoch"],
    gguf: Some("stablelm"),
    positions: "rotary on a quarter of a head",
    special: "layer norms; StableLM 2 12B: parallel blocks, norms on each head",
    users: "StableLM 3B, StableLM 2",
    build,
};

const NAMES: Names = Names { query_norm: "self_attn.q_layernorm", key_norm: "self_attn.k_layernorm", ..Names::LLAMA };

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = layer_norm_sizes(config)?;
    let normed = config.flag_or("qk_layernorm", false)?;
    let parallel = config.flag_or("use_parallel_residual", false)?;
    let spec = DecoderSpec {
        names: NAMES,
        norm: NormSpec::LAYER,
        residual: if parallel { Residual::ParallelWithOneNorm } else { Residual::Sequential },
        query_key_norms: if normed { QueryKeyNorms::SeparatePerHead } else { QueryKeyNorms::None },
        query_key_norm: Some(NormSpec { bias: false, ..NormSpec::LAYER }),
        biases: Biases { input: config.flag_or("use_qkv_bias", false)?, ..Biases::default() },
        ..DecoderSpec::plain(&sizes, activation(config, "hidden_act", "silu")?)
    };
    let rope = rope(config, sizes.head_dim, RopeDefaults { rotated: 0.25, ..RopeDefaults::default() })?;
    spec.with_rope(rope).build(config, weights, &sizes)
}
