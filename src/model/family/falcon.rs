//! Falcon (Almazrouei et al. 2023, arXiv 2311.16867) and RefinedWeb (arXiv 2306.01116), in four layouts.
//!
//! 7B: attention and MLP read the same input through one norm; all heads share a key and a value. 40B: through a norm
//! each; groups of heads share them. 11B (Falcon 2): as 40B with one norm. RW: ALiBi, and blocks in sequence.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, Joined, NormSpec, Residual, activation},
    names::Names,
    scaling::{RopeDefaults, rope},
    sizes::{SizeFields, Sizes},
};
use crate::{
    error::Result,
    model::{attention::PositionBias, decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "falcon",
    architectures: &["FalconForCausalLM", "RWForCausalLM"],
    model_types: &["falcon", "RefinedWeb", "RefinedWebModel"],
    gguf: Some("falcon"),
    positions: "rotary; ALiBi in Falcon-RW",
    special: "parallel blocks; shared keys and values; four layouts",
    users: "Falcon 7B, 40B and RW, Falcon 2 11B",
    build,
};

const TWO_NORMS: Names = Names { attention_norm: "ln_attn", mlp_norm: "ln_mlp", ..Names::BLOOM };

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let newer = config.flag_or("new_decoder_architecture", false)?;
    let sizes = sizes(config, newer)?;
    let parallel = newer || config.flag_or("parallel_attn", true)?;
    let two_norms = parallel && config.size_or("num_ln_in_parallel_attn", if newer { 2 } else { 1 })? == 2;
    let biases = Biases::all(config.flag_or("bias", false)?);
    let spec = DecoderSpec {
        names: if two_norms { TWO_NORMS } else { Names::BLOOM },
        norm: NormSpec::LAYER,
        residual: match (parallel, two_norms) {
            (false, _) => Residual::Sequential,
            (true, false) => Residual::ParallelWithOneNorm,
            (true, true) => Residual::Parallel,
        },
        projections: Joined::ByGroup,
        gated: false,
        biases,
        tied: true,
        ..DecoderSpec::plain(&sizes, activation(config, "activation", "gelu")?)
    };
    let spec = if config.flag_or("alibi", false)? {
        // Falcon scales the biases like the products of queries and keys, and computes them in bf16.
        let factor = spec.attention_scale as f32;
        let bias = PositionBias { rounded: true, factor, ..PositionBias::alibi(sizes.heads) };
        DecoderSpec { position_bias: Some(bias), ..spec }
    } else {
        spec.with_rope(rope(config, sizes.head_dim, RopeDefaults::default())?)
    };
    spec.build(config, weights, &sizes)
}

fn sizes(config: &Config, newer: bool) -> Result<Sizes> {
    let named = |names: [&'static str; 2]| if config.get(names[0]).is_some() { names[0] } else { names[1] };
    let fields = SizeFields {
        layers: named(["num_hidden_layers", "n_layer"]),
        inner: "ffn_hidden_size",
        inner_is_optional: true,
        heads: named(["num_attention_heads", "n_head"]),
        kv_heads: named(["num_kv_heads", "n_head_kv"]),
        epsilon: "layer_norm_epsilon",
        ..SizeFields::LAYER_NORM
    };
    let sizes = Sizes::from_fields(config, &fields, None)?;
    let shared = !newer && config.flag_or("multi_query", true)?;
    Ok(match (newer, shared) {
        (true, _) => sizes,
        (false, true) => Sizes { kv_heads: 1, ..sizes },
        (false, false) => Sizes { kv_heads: sizes.heads, ..sizes },
    })
}
