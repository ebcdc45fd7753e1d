//! Tensor names of llama.cpp, and what its converter did to the tensors, undone.

use crate::model::weights::{Reorder, Stored};

/// What the translation of names has to know about a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) architecture: &'a str,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
}

/// One row: the name inside a layer in GGUF, and in the checkpoint.
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
/// More experts than any model has.
const MOST_EXPERTS: usize = 4096;
/// Experts by their names in GGUF.
const EXPERTS: Table = &[("ffn_gate", "w1"), ("ffn_down", "w2"), ("ffn_up", "w3")];

/// Tensors outside layers, and the name of a layer.
struct Frame {
    embedding: &'static str,
    positions: &'static str,
    norm: &'static str,
    unembedding: &'static str,
    layer: &'static str,
    inside: Table,
}

/// Where tensors are called as in checkpoints of Llama.
const LLAMA_FRAME: Frame = Frame {
    embedding: "model.embed_tokens",
    positions: "",
    norm: "model.norm",
    unembedding: "lm_head",
    layer: "model.layers",
    inside: LLAMA,
};

/// Architectures whose checkpoints call their tensors otherwise.
const OWN_FRAMES: &[(&str, Frame)] = &[
    (
        "gpt2",
        Frame {
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
        Frame {
            embedding: "gpt_neox.embed_in",
            positions: "",
            norm: "gpt_neox.final_layer_norm",
            unembedding: "embed_out",
            layer: "gpt_neox.layers",
            inside: NEOX,
        },
    ),
];

/// Single tensors that an architecture calls otherwise than its frame does: architecture, name in GGUF, own name.
const OWN_NAMES: &[(&str, &str, &str)] = &[
    ("gemma2", "ffn_norm", "pre_feedforward_layernorm"),
    ("gemma3", "ffn_norm", "pre_feedforward_layernorm"),
    ("phi3", "ffn_up", "mlp.gate_up_proj"),
];

fn frame(architecture: &str) -> &'static Frame {
    OWN_FRAMES.iter().find(|(known, _)| *known == architecture).map_or(&LLAMA_FRAME, |(_, frame)| frame)
}

/// The tensor under the names that families ask for; several if it holds several experts, itself if it is unknown.
pub(super) fn translate(name: String, stored: Stored, facts: &Facts<'_>) -> Vec<(String, Stored)> {
    let frame = frame(facts.architecture);
    let Some((stem, part)) = name.rsplit_once('.') else { return vec![(name, stored)] };
    let outer = match stem {
        "token_embd" => Some(frame.embedding),
        "position_embd" => Some(frame.positions),
        "output_norm" => Some(frame.norm),
        "output" => Some(frame.unembedding),
        _ => None,
    };
    if let Some(outer) = outer {
        let stored = if stem == "output_norm" { unshift(stored, facts) } else { stored };
        return vec![(format!("{outer}.{part}"), stored)];
    }
    let inner = stem.strip_prefix("blk.").and_then(|rest| rest.split_once('.'));
    let Some((layer, inner)) = inner else { return vec![(name, stored)] };
    let at = format!("{}.{layer}", frame.layer);
    if let Some(experts) = experts(&at, inner, &stored) {
        return experts;
    }
    let own = OWN_NAMES.iter().find(|(known, name, _)| (*known, *name) == (facts.architecture, inner));
    let usual = || frame.inside.iter().find(|(name, _)| *name == inner).map(|&(_, name)| name);
    match own.map(|&(_, _, name)| name).or_else(usual) {
        Some(target) => vec![(format!("{at}.{target}.{part}"), undo(inner, part, stored, facts))],
        None => vec![(name, stored)],
    }
}

/// All experts in one tensor `[experts, out, in]`, or, in older files, one tensor each.
fn experts(at: &str, inner: &str, stored: &Stored) -> Option<Vec<(String, Stored)>> {
    let at = |expert: &str, name: &str| format!("{at}.block_sparse_moe.experts.{expert}.{name}.weight");
    for (own, name) in EXPERTS {
        let Some(rest) = inner.strip_prefix(own) else { continue };
        if rest == "_exps" && stored.shape.len() == 3 && stored.shape[0] <= MOST_EXPERTS {
            return Some((0..stored.shape[0]).map(|i| (at(&i.to_string(), name), stored.slice(i))).collect());
        }
        if let Some(expert) = rest.strip_prefix('.') {
            return Some(vec![(at(expert, name), stored.clone())]);
        }
    }
    None
}

/// Undoes what llama.cpp's converter does to one tensor of a layer.
fn undo(inner: &str, part: &str, stored: Stored, facts: &Facts<'_>) -> Stored {
    let pairs = |heads| stored.clone().with_order(Reorder::Pairs { heads });
    match (facts.architecture, inner) {
        // Its rotary embedding turns neighbours, so it lays the halves of a head side by side.
        ("llama" | "granite", "attn_q") => pairs(facts.heads),
        ("llama" | "granite", "attn_k") => pairs(facts.kv_heads),
        // Queries of all heads first, where the checkpoint goes head by head.
        ("gptneox", "attn_qkv") => stored.with_order(Reorder::Fused { heads: facts.heads }),
        // Written output first already.
        ("gpt2", _) if part == "weight" && stored.shape.len() == 2 => stored.turned(),
        (_, inner) if inner.ends_with("norm") => unshift(stored, facts),
        _ => stored,
    }
}

/// Gemma's norms have their one already added.
fn unshift(stored: Stored, facts: &Facts<'_>) -> Stored {
    if facts.architecture.starts_with("gemma") { stored.with_shift(-1.0) } else { stored }
}
