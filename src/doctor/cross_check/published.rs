//! Writes a configuration in the layout that candle-transformers reads, which is that of older versions of transformers.

use serde_json::{Map, Value, json};

/// Fields and their values.
type Fields = &'static [(&'static str, fn() -> Value)];

/// Values of fields that a configuration may leave out, but candle-transformers requires; for all families, or some.
const DEFAULTS: &[(&[&str], Fields)] = &[
    (
        &[],
        &[
            ("rope_theta", || json!(10_000.0)),
            ("hidden_act", || json!("silu")),
            ("rms_norm_eps", || json!(1e-6)),
            ("layer_norm_eps", || json!(1e-5)),
            ("layer_norm_epsilon", || json!(1e-5)),
            ("attention_bias", || json!(false)),
            ("tie_word_embeddings", || json!(false)),
            ("use_sliding_window", || json!(false)),
            ("max_window_layers", || json!(0)),
            ("decoder_sparse_step", || json!(1)),
            ("norm_topk_prob", || json!(false)),
            ("use_flash_attn", || json!(false)),
        ],
    ),
    (&["mixtral"], &[("rope_theta", || json!(1e6)), ("num_experts_per_tok", || json!(2))]),
    (&["gemma", "gemma2", "gemma3"], &[("hidden_activation", || json!("gelu_pytorch_tanh"))]),
    (&["gemma2", "gemma3"], &[("query_pre_attn_scalar", || json!(256)), ("sliding_window", || json!(4096))]),
    (&["gemma3"], &[("rope_local_base_freq", || json!(10_000.0)), ("sliding_window_pattern", || json!(6))]),
    (
        &["phi"],
        &[
            ("hidden_act", || json!("gelu_new")),
            ("partial_rotary_factor", || json!(0.5)),
            ("qk_layernorm", || json!(false)),
        ],
    ),
    (&["stablelm"], &[("partial_rotary_factor", || json!(0.25)), ("use_qkv_bias", || json!(false))]),
    (&["glm4"], &[("partial_rotary_factor", || json!(0.5))]),
    (
        &["falcon"],
        &[
            ("alibi", || json!(false)),
            ("new_decoder_architecture", || json!(false)),
            ("multi_query", || json!(true)),
            ("parallel_attn", || json!(true)),
            ("bias", || json!(false)),
        ],
    ),
];

/// Sizes that are known from the loaded model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) vocabulary: usize,
    pub(super) hidden: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
    /// Length of the longest prompt, for which tables of positions are made.
    pub(super) longest: usize,
}

/// Converts `config`, the configuration of a model of `family`.
pub(super) fn published(config: &Value, family: &str, sizes: Sizes) -> Value {
    let mut fields: Map<String, Value> = config.as_object().cloned().unwrap_or_default();
    fields.retain(|_, value| !value.is_null());
    positions(&mut fields);
    rename(&mut fields, family);
    for (_, defaults) in DEFAULTS.iter().rev().filter(|(names, _)| names.is_empty() || names.contains(&family)) {
        for (field, default) in *defaults {
            fields.entry(*field).or_insert_with(default);
        }
    }
    // transformers gives Mistral a window where the configuration does not name it, and none where it is null.
    if family == "mistral" && config.get("sliding_window").is_none() {
        fields.insert("sliding_window".to_owned(), json!(4096));
    }
    let windows = fields.get("use_sliding_window") == Some(&json!(true)) || !family.starts_with("qwen");
    if !windows || !fields.contains_key("sliding_window") && requires_window(family) {
        fields.insert("sliding_window".to_owned(), json!(u32::MAX));
    }
    for (field, size) in [
        ("vocab_size", sizes.vocabulary),
        ("hidden_size", sizes.hidden),
        ("num_hidden_layers", sizes.layers),
        ("num_attention_heads", sizes.heads),
        ("num_key_value_heads", sizes.kv_heads),
        ("head_dim", sizes.head_dim),
        ("max_position_embeddings", sizes.longest),
    ] {
        fields.insert(field.to_owned(), json!(size));
    }
    // It refuses both names of the activation together.
    if family.starts_with("gemma") {
        fields.remove("hidden_act");
    }
    // Logits are compared before a final soft-cap.
    fields.remove("final_logit_softcapping");
    Value::Object(fields)
}

/// Whether the family's implementation does not run without a window.
fn requires_window(family: &str) -> bool {
    matches!(family, "mixtral" | "qwen2" | "qwen2_moe")
}

/// Moves what newer configurations have in `rope_parameters` to where older ones have it.
fn positions(fields: &mut Map<String, Value>) {
    let Some(Value::Object(parameters)) = fields.remove("rope_parameters") else { return };
    if let Some(Value::Object(local)) = parameters.get("sliding_attention") {
        let theta = local.get("rope_theta").cloned();
        fields.extend(theta.map(|theta| ("rope_local_base_freq".to_owned(), theta)));
    }
    let global = match parameters.get("full_attention") {
        Some(Value::Object(global)) => global.clone(),
        _ => parameters,
    };
    for field in ["rope_theta", "partial_rotary_factor"] {
        fields.extend(global.get(field).map(|value| (field.to_owned(), value.clone())));
    }
    if scaling(&global).is_some_and(|kind| kind != "default") {
        fields.insert("rope_scaling".to_owned(), Value::Object(global));
    }
}

/// Returns the name of the scaling of positions in a section of a configuration.
pub(super) fn scaling(section: &Map<String, Value>) -> Option<&str> {
    section.get("rope_type").or_else(|| section.get("type"))?.as_str()
}

/// Gives fields the names, and values the form, that the implementation knows.
fn rename(fields: &mut Map<String, Value>, family: &str) {
    let mut alias = |from: &str, to: &str| {
        if let (false, Some(value)) = (fields.contains_key(to), fields.get(from).cloned()) {
            fields.insert(to.to_owned(), value);
        }
    };
    alias("_sliding_window_pattern", "sliding_window_pattern");
    alias("num_local_experts", "num_experts");
    alias("num_experts", "num_local_experts");
    if family.starts_with("gemma") {
        alias("hidden_act", "hidden_activation");
        // Early configurations say `gelu`, but mean the approximation by tanh, as transformers computes.
        if family == "gemma" && fields.get("hidden_activation") == Some(&json!("gelu")) {
            fields.remove("hidden_activation");
        }
    }
    if family == "falcon" {
        for (field, unused) in
            [("initializer_range", json!(0.02)), ("hidden_dropout", json!(0)), ("attention_dropout", json!(0))]
        {
            fields.insert(field.to_owned(), unused);
        }
        fields.remove("n_head_kv");
    }
    // Token ids, caches and the like have no part in logits.
    fields.retain(|field, _| !matches!(field.as_str(), "bos_token_id" | "eos_token_id" | "pad_token_id"));
    fields.insert("use_cache".to_owned(), json!(false));
    if family == "falcon" {
        fields.extend([("bos_token_id".to_owned(), json!(0)), ("eos_token_id".to_owned(), json!(0))]);
    }
}
