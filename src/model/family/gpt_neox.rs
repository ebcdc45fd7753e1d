//! GPT-NeoX and Pythia (Black et al. 2022, arXiv 2204.06745; Biderman et al. 2023, arXiv 2304.01373).
//!
//! Attention and MLP usually read the same input. A quarter of each head is rotated. One tensor holds queries, keys and
//! values, head by head.

use super::{
    Architecture, Config,
    decoder_spec::{Biases, DecoderSpec, Joined, NormSpec, Residual, activation, layer_norm_sizes},
    names::Names,
    scaling::{RopeDefaults, rope},
};
use crate::{
    error::Result,
    model::{decoder::Decoder, weights::Weights},
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "gpt_neox",
    architectures: &["GPTNeoXForCausalLM"],
    model_types: &["gpt_neox"],
    gguf: Some("gptneox"),
    positions: "rotary on a quarter of a head",
    special: "attention and MLP in parallel, or in sequence",
    users: "GPT-NeoX-20B, Pythia, RedPajama, Dolly",
    build,
};

const NAMES: Names = Names {
    embedding: "gpt_neox.embed_in",
    norm: "gpt_neox.final_layer_norm",
    unembedding: "embed_out",
    layers: "gpt_neox.layers",
    joined: "attention.query_key_value",
    output: "attention.dense",
    up: "mlp.dense_h_to_4h",
    down: "mlp.dense_4h_to_h",
    ..Names::LLAMA
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = layer_norm_sizes(config)?;
    let attention = config.flag_or("attention_bias", true)?;
    let parallel = config.flag_or("use_parallel_residual", true)?;
    let spec = DecoderSpec {
        names: NAMES,
        norm: NormSpec::LAYER,
        residual: if parallel { Residual::Parallel } else { Residual::Sequential },
        projections: Joined::ByGroup,
        gated: false,
        biases: Biases { mlp: true, ..Biases::all(attention) },
        ..DecoderSpec::plain(&sizes, activation(config, "hidden_act", "gelu")?)
    };
    let rope = rope(config, sizes.head_dim, RopeDefaults { rotated: 0.25, ..RopeDefaults::default() })?;
    spec.with_rope(rope).build(config, weights, &sizes)
}
