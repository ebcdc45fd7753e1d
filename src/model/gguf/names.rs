//! Maps llama.cpp's tensor names to Hugging Face names and undoes the changes its converter makes to tensors.

use crate::model::weights::{Reorder, Stored};

/// Properties of a model that the mapping depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelFacts<'a> {
    pub(super) architecture: &'a str,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
}

/// Names of tensors inside a layer: in GGUF, and in the Hugging Face checkpoint.
type Table = &'static [(&'static str, &'static str)];

const LLAMA: Table = &[
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_qkv", "self_attn.qkv_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("post_attention_norm", "post_attention_layernorm"),
    ("post_ffw_norm", "post_feedforward_layernorm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
    ("ffn_gate_inp", "block_sparse_moe.gate"),
];
const GPT2: Table = &[
    ("attn_norm", "ln_1"),
    ("attn_qkv", "attn.c_attn"),
    ("attn_output", "attn.c_proj"),
    ("ffn_norm", "ln_2"),
    ("ffn_up", "mlp.c_fc"),
    ("ffn_down", "mlp.c_proj"),
];
const NEOX: Table = &[
    ("attn_norm", "input_layernorm"),
    ("attn_qkv", "attention.query_key_value"),
    ("attn_output", "attention.dense"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_up", "mlp.dense_h_to_4h"),
    ("ffn_down", "mlp.dense_4h_to_h"),
];
/// Limit on the number of experts, larger than in any model.
const MAX_EXPERTS: usize = 4096;
/// Maps of an expert: their names in GGUF and in the checkpoint.
const EXPERTS: Table = &[("ffn_gate", "w1"), ("ffn_down", "w2"), ("ffn_up", "w3")];

/// Hugging Face names: tensors outside layers, the prefix of a layer, and the names inside it.
struct NameScheme {
    embedding: &'static str,
    positions: &'static str,
    norm: &'static str,
    unembedding: &'static str,
    layer: &'static str,
    inside: Table,
}

/// The names in checkpoints of Llama.
const LLAMA_SCHEME: NameScheme = NameScheme {
    embedding: "model.embed_tokens",
    positions: "",
    norm: "model.norm",
    unembedding: "lm_head",
    layer: "model.layers",
    inside: LLAMA,
};

/// Architectures whose checkpoints use other names.
const OWN_SCHEMES: &[(&str, NameScheme)] = &[
    (
        "gpt2",
        NameScheme {
            embedding: "transformer.wte",
            positions: "transformer.wpe",
            norm: "transformer.ln_f",
            unembedding: "lm_head",
            layer: "transformer.h",
            inside: GPT2,
        },
    ),
    (
        "gptneox",
        NameScheme {
            embedding: "gpt_neox.embed_in",
            positions: "",
            norm: "gpt_neox.final_layer_norm",
            unembedding: "embed_out",
            layer: "gpt_neox.layers",
            inside: NEOX,
        },
    ),
];

/// Single tensors whose name differs from the scheme: architecture, name in GGUF, name in the checkpoint.
const OWN_NAMES: &[(&str, &str, &str)] = &[
    ("gemma2", "ffn_norm", "pre_feedforward_layernorm"),
    ("gemma3", "ffn_norm", "pre_feedforward_layernorm"),
    ("phi3", "ffn_up", "mlp.gate_up_proj"),
];

fn scheme(architecture: &str) -> &'static NameScheme {
    OWN_SCHEMES.iter().find(|(known, _)| *known == architecture).map_or(&LLAMA_SCHEME, |(_, scheme)| scheme)
}

/// Renames a tensor and undoes the converter's changes. A tensor of all experts becomes one per expert; an unknown one
/// keeps its name.
pub(super) fn translate(name: String, stored: Stored, model: &ModelFacts<'_>) -> Vec<(String, Stored)> {
    let scheme = scheme(model.architecture);
    let Some((stem, part)) = name.rsplit_once('.') else { return vec![(name, stored)] };
    let outer = match stem {
        "token_embd" => Some(scheme.embedding),
        "position_embd" => Some(scheme.positions),
        "output_norm" => Some(scheme.norm),
        "output" => Some(scheme.unembedding),
        _ => None,
    };
    if let Some(outer) = outer {
        let stored = if stem == "output_norm" { undo_norm_offset(stored, model) } else { stored };
        return vec![(format!("{outer}.{part}"), stored)];
    }
    let inner = stem.strip_prefix("blk.").and_then(|rest| rest.split_once('.'));
    let Some((layer, inner)) = inner else { return vec![(name, stored)] };
    let at = format!("{}.{layer}", scheme.layer);
    if let Some(experts) = experts(&at, inner, &stored) {
        return experts;
    }
    let own = OWN_NAMES.iter().find(|(known, name, _)| (*known, *name) == (model.architecture, inner));
    let usual = || scheme.inside.iter().find(|(name, _)| *name == inner).map(|&(_, name)| name);
    match own.map(|&(_, _, name)| name).or_else(usual) {
        Some(target) => vec![(format!("{at}.{target}.{part}"), undo_conversion(inner, part, stored, model))],
        None => vec![(name, stored)],
    }
}

/// Renames tensors of experts: one tensor `[experts, out, in]`, or one tensor per expert in older files.
fn experts(at: &str, inner: &str, stored: &Stored) -> Option<Vec<(String, Stored)>> {
    let at = |expert: &str, name: &str| format!("{at}.block_sparse_moe.experts.{expert}.{name}.weight");
    for (gguf_name, name) in EXPERTS {
        let Some(rest) = inner.strip_prefix(gguf_name) else { continue };
        if rest == "_exps" && stored.shape.len() == 3 && stored.shape[0] <= MAX_EXPERTS {
            return Some((0..stored.shape[0]).map(|i| (at(&i.to_string(), name), stored.slice(i))).collect());
        }
        if let Some(expert) = rest.strip_prefix('.') {
            return Some(vec![(at(expert, name), stored.clone())]);
        }
    }
    None
}

/// Undoes the change that llama.cpp's converter makes to a tensor of a layer.
fn undo_conversion(inner: &str, part: &str, stored: Stored, model: &ModelFacts<'_>) -> Stored {
    let pairs = |heads| stored.clone().with_order(Reorder::Pairs { heads });
    match (model.architecture, inner) {
        // llama.cpp rotates neighbouring dimensions, so the converter interleaves the two halves of each head.
        ("llama" | "granite", "attn_q") => pairs(model.heads),
        ("llama" | "granite", "attn_k") => pairs(model.kv_heads),
        // The converter puts queries of all heads first; the checkpoint goes head by head.
        ("gptneox", "attn_qkv") => stored.with_order(Reorder::Fused { heads: model.heads }),
        // The converter stores `[out, in]`, the checkpoint `[in, out]`.
        ("gpt2", _) if part == "weight" && stored.shape.len() == 2 => stored.transposed(),
        (_, inner) if inner.ends_with("norm") => undo_norm_offset(stored, model),
        _ => stored,
    }
}

/// Subtracts the 1 that the converter adds to Gemma's norm weights.
fn undo_norm_offset(stored: Stored, model: &ModelFacts<'_>) -> Stored {
    if model.architecture.starts_with("gemma") { stored.with_shift(-1.0) } else { stored }
}
