//! Converts GGUF metadata to the config.json of the same model.

use serde_json::{Map, Value as Json, json};

use super::{metadata::Metadata, rope, special};
use crate::{
    error::Result,
    model::{family::ARCHITECTURES, weights::Weights},
};

/// Fields of config.json that most architectures share, and their GGUF keys after `architecture.`.
const FIELDS: &[(&str, &str)] = &[
    ("hidden_size", "embedding_length"),
    ("num_hidden_layers", "block_count"),
    ("intermediate_size", "feed_forward_length"),
    ("num_attention_heads", "attention.head_count"),
    ("num_key_value_heads", "attention.head_count_kv"),
    ("head_dim", "attention.key_length"),
    ("rms_norm_eps", "attention.layer_norm_rms_epsilon"),
    ("layer_norm_eps", "attention.layer_norm_epsilon"),
    ("max_position_embeddings", "context_length"),
    ("rope_theta", "rope.freq_base"),
    ("sliding_window", "attention.sliding_window"),
    ("attn_logit_softcapping", "attn_logit_softcapping"),
    ("final_logit_softcapping", "final_logit_softcapping"),
    ("attention_multiplier", "attention.scale"),
    ("embedding_multiplier", "embedding_scale"),
    ("residual_multiplier", "residual_scale"),
    ("logits_scaling", "logit_scale"),
    ("num_local_experts", "expert_count"),
    ("num_experts_per_tok", "expert_used_count"),
    ("rope_local_base_freq", "rope.freq_base_swa"),
    ("clip_qkv", "attention.clamp_kqv"),
    ("logit_scale", "logit_scale"),
    ("num_experts", "expert_count"),
    ("moe_intermediate_size", "expert_feed_forward_length"),
    ("shared_expert_intermediate_size", "expert_shared_feed_forward_length"),
];

/// Metadata keys of architectures whose config.json uses other names.
const OWN_FIELDS: &[(&str, &[(&str, &str)])] =
    &[("gpt2", GPT2_FIELDS), ("bloom", BLOOM_FIELDS), ("falcon", FALCON_FIELDS)];

const GPT2_FIELDS: &[(&str, &str)] = &[
    ("n_embd", "embedding_length"),
    ("n_layer", "block_count"),
    ("n_inner", "feed_forward_length"),
    ("n_head", "attention.head_count"),
    ("n_positions", "context_length"),
    ("layer_norm_epsilon", "attention.layer_norm_epsilon"),
];

const BLOOM_FIELDS: &[(&str, &str)] = &[
    ("hidden_size", "embedding_length"),
    ("n_layer", "block_count"),
    ("n_inner", "feed_forward_length"),
    ("n_head", "attention.head_count"),
    ("seq_length", "context_length"),
    ("layer_norm_epsilon", "attention.layer_norm_epsilon"),
];

const FALCON_FIELDS: &[(&str, &str)] = &[
    ("hidden_size", "embedding_length"),
    ("num_hidden_layers", "block_count"),
    ("ffn_hidden_size", "feed_forward_length"),
    ("num_attention_heads", "attention.head_count"),
    ("num_kv_heads", "attention.head_count_kv"),
    ("max_position_embeddings", "context_length"),
    ("layer_norm_epsilon", "attention.layer_norm_epsilon"),
    ("rope_theta", "rope.freq_base"),
];

/// Architecture in config.json of a file whose `general.architecture` stands for several.
fn architecture_name(metadata: &Metadata<'_>, architecture: &str) -> &'static str {
    let has = |name: &str| metadata.size(&format!("{architecture}.{name}")).is_some_and(|size| size > 0);
    match architecture {
        "llama" | "mistral3" if has("expert_count") => "MixtralForCausalLM",
        "olmo2" if has("attention.sliding_window") => "Olmo3ForCausalLM",
        _ => {
            let known = ARCHITECTURES.iter().find(|known| known.gguf == Some(architecture));
            known.and_then(|known| known.architectures.first()).copied().unwrap_or_default()
        }
    }
}

/// Builds the config.json of a model; `weights` are its tensors under their Hugging Face names.
pub(super) fn config(metadata: &Metadata<'_>, weights: &Weights, vocabulary: usize) -> Result<Json> {
    let architecture = metadata.architecture()?;
    let key = |name: &str| format!("{architecture}.{name}");
    let mut config = Map::new();
    let own = OWN_FIELDS.iter().find(|(known, _)| *known == architecture);
    let fields = own.map_or(FIELDS, |(_, fields)| fields);
    metadata.check_numbers(architecture, fields)?;
    for (field, name) in fields {
        if let Some(number) = metadata.number(&key(name)) {
            config.insert((*field).to_owned(), number);
        }
    }
    // A window of 0 tokens means none.
    if config.get("sliding_window").and_then(Json::as_u64) == Some(0) {
        config.remove("sliding_window");
    }
    let mut set = |field: &str, value: Json| config.insert(field.to_owned(), value);
    set("architectures", json!([architecture_name(metadata, architecture)]));
    set("vocab_size", json!(vocabulary));
    set("tie_word_embeddings", json!(!weights.has("lm_head.weight") && !weights.has("embed_out.weight")));
    set("attention_bias", json!(special::has_bias(weights, &["self_attn.q_proj", "attention.dense"])));
    set("mlp_bias", json!(special::has_bias(weights, &["mlp.up_proj"])));
    if let Some(rope) = rope::scaling(metadata, weights)? {
        set("rope_scaling", rope);
    }
    let layers = metadata.size(&key("block_count")).unwrap_or(0);
    for (field, value) in special::fields(metadata, architecture, weights, layers)? {
        set(field, value);
    }
    if let Some(share) = rope::rotated_share(metadata, architecture)? {
        set("partial_rotary_factor", json!(share));
    }
    Ok(Json::Object(config))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::{super::reader::Value, *};

    fn checked(key: &str, value: Value) -> Result<Option<Json>, String> {
        let values = BTreeMap::from([(key.to_owned(), value)]);
        let metadata = Metadata { path: Path::new("m.gguf"), values: &values };
        metadata.check_numbers("llama", FIELDS).map_err(|error| error.to_string())?;
        Ok(metadata.number(key))
    }

    #[test]
    fn numbers_that_cannot_be_used_are_refused_by_name() {
        let (base, epsilon) = ("llama.rope.freq_base", "llama.attention.layer_norm_rms_epsilon");
        for (key, value, expected) in [
            (base, Value::Float(f64::NAN), "NaN is not a finite number"),
            (base, Value::Float(f64::NEG_INFINITY), "-inf is not a finite number"),
            (epsilon, Value::Float(f64::INFINITY), "inf is not a finite number"),
            ("llama.rope.scaling.factor", Value::Float(f64::NAN), "NaN is not a finite number"),
            ("llama.own", Value::List(vec![Value::Float(1.0), Value::Float(f64::NAN)]), "NaN is not a finite number"),
            (base, Value::Text("10000".to_owned()), "the value is not one number"),
            (
                "llama.block_count",
                Value::List(vec![Value::Unsigned(1), Value::Unsigned(2)]),
                "the value is not one number",
            ),
        ] {
            let error = checked(key, value).unwrap_err();
            assert!(error.starts_with(&format!("m.gguf: `{key}`: {expected}")), "{error}");
        }
        assert_eq!(checked(base, Value::Float(1e4)).unwrap(), Some(json!(10_000.0)));
        let equal = Value::List((0..4).map(|_| Value::Unsigned(3)).collect());
        assert_eq!(checked("llama.feed_forward_length", equal).unwrap(), Some(json!(3)));
        assert!(checked("qwen2.rope.freq_base", Value::Float(f64::NAN)).is_ok(), "another architecture's number");
    }
}
