//! Maps llama.cpp's tensor names to Hugging Face names and undoes the changes its converter makes to tensors.

use crate::model::weights::{Reorder, Stored};

/// Properties of a model that the mapping depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelFacts<'a> {
    pub(super) architecture: &'a str,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    /// Whether layers have a second norm before attention, as Falcon 40B.
    pub(super) two_norms: bool,
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
    ("attn_sinks", "self_attn.sinks"),
    ("ffn_gate_shexp", "mlp.shared_expert.gate_proj"),
    ("ffn_up_shexp", "mlp.shared_expert.up_proj"),
    ("ffn_down_shexp", "mlp.shared_expert.down_proj"),
    ("ffn_gate_inp_shexp", "mlp.shared_expert_gate"),
];
const BLOOM: Table = &[
    ("attn_norm", "input_layernorm"),
    ("attn_qkv", "self_attention.query_key_value"),
    ("attn_output", "self_attention.dense"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_up", "mlp.dense_h_to_4h"),
    ("ffn_down", "mlp.dense_4h_to_h"),
];
const PHI2: Table = &[
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.dense"),
    ("ffn_up", "mlp.fc1"),
    ("ffn_down", "mlp.fc2"),
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
/// Limit on the number of heads, larger than in any model.
const MAX_HEADS: usize = 4096;
/// Maps of an expert: their names in GGUF, in checkpoints of Mixtral, and in those of other architectures.
const EXPERTS: &[(&str, &str, &str)] =
    &[("ffn_gate", "w1", "gate_proj"), ("ffn_down", "w2", "down_proj"), ("ffn_up", "w3", "up_proj")];
/// Architectures whose experts have Mixtral's names.
const AS_MIXTRAL: &[&str] = &["llama", "mistral3"];

/// Hugging Face names: tensors outside layers, the prefix of a layer, and the names inside it.
struct NameScheme {
    embedding: &'static str,
    embedding_norm: &'static str,
    positions: &'static str,
    norm: &'static str,
    unembedding: &'static str,
    layer: &'static str,
    inside: Table,
}

/// The names in checkpoints of Llama.
const LLAMA_SCHEME: NameScheme = NameScheme {
    embedding: "model.embed_tokens",
    embedding_norm: "",
    positions: "",
    norm: "model.norm",
    unembedding: "lm_head",
    layer: "model.layers",
    inside: LLAMA,
};

/// The names in checkpoints of BLOOM and Falcon.
const BLOOM_SCHEME: NameScheme = NameScheme {
    embedding: "transformer.word_embeddings",
    embedding_norm: "transformer.word_embeddings_layernorm",
    positions: "",
    norm: "transformer.ln_f",
    unembedding: "lm_head",
    layer: "transformer.h",
    inside: BLOOM,
};

/// Architectures whose checkpoints use other names.
const OWN_SCHEMES: &[(&str, NameScheme)] = &[
    (
        "gpt2",
        NameScheme {
            embedding: "transformer.wte",
            embedding_norm: "",
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
            embedding_norm: "",
            positions: "",
            norm: "gpt_neox.final_layer_norm",
            unembedding: "embed_out",
            layer: "gpt_neox.layers",
            inside: NEOX,
        },
    ),
    ("bloom", BLOOM_SCHEME),
    ("falcon", BLOOM_SCHEME),
    ("phi2", NameScheme { norm: "model.final_layernorm", inside: PHI2, ..LLAMA_SCHEME }),
];

/// Single tensors whose name differs from the scheme: architecture, name in GGUF, name in the checkpoint.
const OWN_NAMES: &[(&str, &str, &str)] = &[
    ("gemma2", "ffn_norm", "pre_feedforward_layernorm"),
    ("gemma3", "ffn_norm", "pre_feedforward_layernorm"),
    ("phi3", "ffn_up", "mlp.gate_up_proj"),
    ("glm4", "ffn_up", "mlp.gate_up_proj"),
    ("glm4", "post_attention_norm", "post_self_attn_layernorm"),
    ("glm4", "post_ffw_norm", "post_mlp_layernorm"),
    ("stablelm", "attn_q_norm", "self_attn.q_layernorm"),
    ("stablelm", "attn_k_norm", "self_attn.k_layernorm"),
    ("olmoe", "ffn_gate_inp", "mlp.gate"),
    ("qwen2moe", "ffn_gate_inp", "mlp.gate"),
    ("qwen3moe", "ffn_gate_inp", "mlp.gate"),
    ("gpt-oss", "ffn_gate_inp", "mlp.router"),
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
        "token_embd_norm" => Some(scheme.embedding_norm),
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
    if let Some(experts) = experts(&at, (inner, part), &stored, model) {
        return experts;
    }
    if model.two_norms && matches!(inner, "attn_norm" | "attn_norm_2") {
        let name = if inner == "attn_norm" { "ln_mlp" } else { "ln_attn" };
        return vec![(format!("{at}.{name}.{part}"), stored)];
    }
    let own = OWN_NAMES.iter().find(|(known, name, _)| (*known, *name) == (model.architecture, inner));
    let usual = || scheme.inside.iter().find(|(name, _)| *name == inner).map(|&(_, name)| name);
    match own.map(|&(_, _, name)| name).or_else(usual) {
        // The converter stacks the norms of all heads.
        Some(target) if model.architecture == "stablelm" && stored.shape.len() == 2 && inner.ends_with("_norm") => {
            let of_head = |head: usize| (format!("{at}.{target}.norms.{head}.{part}"), stored.slice(head));
            (0..stored.shape[0].min(MAX_HEADS)).map(of_head).collect()
        }
        // The name of a vector has no part in the checkpoint.
        Some(target) if inner == "attn_sinks" => vec![(format!("{at}.{target}"), stored)],
        Some(target) => vec![(format!("{at}.{target}.{part}"), undo_conversion(inner, part, stored, model))],
        None => vec![(name, stored)],
    }
}

/// Renames tensors of experts: one tensor `[experts, out, in]` or `[experts, out]`, or one tensor per expert in older
/// files.
fn experts(
    at: &str,
    (inner, part): (&str, &str),
    stored: &Stored,
    model: &ModelFacts<'_>,
) -> Option<Vec<(String, Stored)>> {
    let mixtral = AS_MIXTRAL.contains(&model.architecture);
    for &(gguf_name, of_mixtral, of_others) in EXPERTS {
        let Some(rest) = inner.strip_prefix(gguf_name) else { continue };
        let at = |expert: &str| {
            if mixtral {
                format!("{at}.block_sparse_moe.experts.{expert}.{of_mixtral}.{part}")
            } else {
                format!("{at}.mlp.experts.{expert}.{of_others}.{part}")
            }
        };
        if rest == "_exps" && stored.shape.len() > 1 && stored.shape[0] <= MAX_EXPERTS {
            return Some((0..stored.shape[0]).map(|i| (at(&i.to_string()), stored.slice(i))).collect());
        }
        if let Some(expert) = rest.strip_prefix('.') {
            return Some(vec![(at(expert), stored.clone())]);
        }
    }
    None
}

/// Undoes the change that llama.cpp's converter makes to a tensor of a layer.
fn undo_conversion(inner: &str, part: &str, stored: Stored, model: &ModelFacts<'_>) -> Stored {
    let pairs = |heads| stored.clone().with_order(Reorder::Pairs { heads, rotated: None });
    match (model.architecture, inner) {
        // llama.cpp rotates neighbouring dimensions, so the converter interleaves the two halves of each head.
        ("llama" | "granite" | "mistral3" | "smollm3" | "olmo", "attn_q") => pairs(model.heads),
        ("llama" | "granite" | "mistral3" | "smollm3" | "olmo", "attn_k") => pairs(model.kv_heads),
        // The converter puts queries of all heads first; the checkpoint goes by key/value head.
        ("gptneox" | "bloom", "attn_qkv") => by_group(stored, model.heads, model.heads),
        ("falcon", "attn_qkv") => by_group(stored, model.heads, model.kv_heads),
        // The converter drops the dimension of size 1.
        ("qwen2moe", "ffn_gate_inp_shexp") if stored.shape.len() == 1 => stored.into_row(),
        // The converter stores `[out, in]`, the checkpoint `[in, out]`.
        ("gpt2", _) if part == "weight" && stored.shape.len() == 2 => stored.transposed(),
        (_, inner) if inner.ends_with("norm") => undo_norm_offset(stored, model),
        _ => stored,
    }
}

fn by_group(stored: Stored, heads: usize, kv_heads: usize) -> Stored {
    stored.with_order(Reorder::Fused { heads, kv_heads })
}

/// Subtracts the 1 that the converter adds to Gemma's norm weights.
fn undo_norm_offset(stored: Stored, model: &ModelFacts<'_>) -> Stored {
    if model.architecture.starts_with("gemma") { stored.with_shift(-1.0) } else { stored }
}
