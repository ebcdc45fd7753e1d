//! Fields of config.json that GGUF files of one architecture imply, by metadata of their own or by the tensors they have.

use serde_json::{Value as Json, json};

use super::{metadata::Metadata, reader::Value};
use crate::{error::Result, model::weights::Weights};

/// Returns the fields for `architecture`.
pub(super) fn fields(
    metadata: &Metadata<'_>,
    architecture: &str,
    weights: &Weights,
    layers: usize,
) -> Result<Vec<(&'static str, Json)>> {
    let key = |name: &str| format!("{architecture}.{name}");
    let has = |name: &str| weights.has(&format!("model.layers.0.{name}.weight"));
    Ok(match architecture {
        "gemma2" | "gemma3" => vec![("query_pre_attn_scalar", json!(query_scalar(metadata, architecture)?))],
        "gptneox" => {
            vec![("use_parallel_residual", json!(metadata.flag(&key("use_parallel_residual")).unwrap_or(true)))]
        }
        "stablelm" => vec![
            ("use_parallel_residual", json!(!has("post_attention_layernorm"))),
            ("qk_layernorm", json!(has("self_attn.q_layernorm.norms.0"))),
            ("use_qkv_bias", json!(has_bias(weights, &["self_attn.q_proj"]))),
        ],
        "falcon" => {
            let two_norms = weights.has("transformer.h.0.ln_attn.weight");
            let shared = metadata.size(&key("attention.head_count_kv")) == Some(1);
            vec![
                ("new_decoder_architecture", json!(two_norms || !shared)),
                ("num_ln_in_parallel_attn", json!(if two_norms { 2 } else { 1 })),
            ]
        }
        "olmo2" | "cohere2" => vec![("layer_types", json!(layer_types(metadata, architecture, layers, 4)))],
        "gpt-oss" => vec![("layer_types", json!(layer_types(metadata, architecture, layers, 2)))],
        "command-r" => vec![("use_qk_norm", json!(has("self_attn.q_norm")))],
        "qwen2moe" => vec![("qkv_bias", json!(has_bias(weights, &["self_attn.q_proj"])))],
        "qwen3moe" => vec![("norm_topk_prob", json!(true))],
        _ => Vec::new(),
    })
}

pub(super) fn has_bias(weights: &Weights, stems: &[&str]) -> bool {
    let layers = ["model.layers.0", "gpt_neox.layers.0"];
    layers.iter().any(|layer| stems.iter().any(|stem| weights.has(&format!("{layer}.{stem}.bias"))))
}

/// Returns the type of each layer: as the file lists them, or every `period`th with full attention. Without a window, all
/// layers have full attention.
fn layer_types(metadata: &Metadata<'_>, architecture: &str, layers: usize, period: usize) -> Vec<&'static str> {
    let key = |name: &str| format!("{architecture}.attention.{name}");
    let windowed = metadata.size(&key("sliding_window")).is_some_and(|window| window > 0);
    let listed = metadata.list(&key("sliding_window_pattern")).unwrap_or_default();
    let period = metadata.size(&key("sliding_window_pattern")).unwrap_or(period).max(1);
    let slides = |layer: usize| match listed.get(layer) {
        Some(value) => matches!(value, Value::Flag(true) | Value::Unsigned(1) | Value::Signed(1)),
        None => !(layer + 1).is_multiple_of(period),
    };
    let name = |layer| if windowed && slides(layer) { "sliding_attention" } else { "full_attention" };
    (0..layers.min(1 << 16)).map(name).collect()
}

/// Returns `query_pre_attn_scalar` as llama.cpp does: the head width, or hidden size / heads in the 27B models.
fn query_scalar(metadata: &Metadata<'_>, architecture: &str) -> Result<usize> {
    let size = |name: &str| {
        let key = format!("{architecture}.{name}");
        metadata.size(&key).filter(|&size| size > 0).ok_or_else(|| metadata.error(&key, "the key is missing"))
    };
    let layers_of_27b = if architecture == "gemma2" { 46 } else { 62 };
    let is_27b = size("block_count")? == layers_of_27b;
    Ok(if is_27b { size("embedding_length")? / size("attention.head_count")? } else { size("attention.key_length")? })
}
