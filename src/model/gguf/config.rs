//! Converts GGUF metadata to the config.json of the same model.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Map, Value as Json, json};

use super::reader::Value;
use crate::{
    error::{InputError, Result},
    model::{family::ARCHITECTURES, weights::Weights},
};

/// Metadata of one model; errors name the key and the file.
pub(super) struct Metadata<'a> {
    pub(super) path: &'a Path,
    pub(super) values: &'a BTreeMap<String, Value>,
}

impl Metadata<'_> {
    /// Creates an error about `key`.
    pub(super) fn error(&self, key: &str, problem: impl Into<String>) -> InputError {
        InputError::new(problem).path(self.path).field(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.values.get(key) {
            Some(&Value::Flag(flag)) => Some(flag),
            _ => None,
        }
    }

    pub(super) fn list(&self, key: &str) -> Option<&[Value]> {
        match self.values.get(key) {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    /// Returns a number of any type, or `None` if `key` holds none.
    pub(super) fn number(&self, key: &str) -> Option<Json> {
        match self.values.get(key)? {
            Value::Unsigned(number) => Some(json!(number)),
            Value::Signed(number) => Some(json!(number)),
            // Files hold f32; the shortest decimal with the same f32 value is the one in config.json.
            Value::Float(number) => (*number as f32).to_string().parse::<f64>().ok().map(|number| json!(number)),
            _ => None,
        }
    }

    pub(super) fn size(&self, key: &str) -> Option<usize> {
        self.number(key)?.as_u64()?.try_into().ok()
    }

    /// Returns `general.architecture`, or an error if it is missing or not supported.
    pub(super) fn architecture(&self) -> Result<&str> {
        let key = "general.architecture";
        let given = self.text(key).ok_or_else(|| self.error(key, "the key is missing"))?;
        if ARCHITECTURES.iter().any(|known| known.gguf == Some(given)) {
            return Ok(given);
        }
        let known = crate::text::list(ARCHITECTURES.iter().filter_map(|known| known.gguf));
        let problem = format!("the architecture `{given}` is not supported");
        Err(self.error(key, problem).help(format!("supported architectures: {known}")).into())
    }
}

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
    ("attention_multiplier", "attention.scale"),
    ("embedding_multiplier", "embedding_scale"),
    ("residual_multiplier", "residual_scale"),
    ("logits_scaling", "logit_scale"),
    ("num_local_experts", "expert_count"),
    ("num_experts_per_tok", "expert_used_count"),
    ("rope_local_base_freq", "rope.freq_base_swa"),
];

/// Metadata keys of architectures whose config.json uses other names.
const OWN_FIELDS: &[(&str, &[(&str, &str)])] = &[("gpt2", GPT2_FIELDS)];

const GPT2_FIELDS: &[(&str, &str)] = &[
    ("n_embd", "embedding_length"),
    ("n_layer", "block_count"),
    ("n_inner", "feed_forward_length"),
    ("n_head", "attention.head_count"),
    ("n_positions", "context_length"),
    ("layer_norm_epsilon", "attention.layer_norm_epsilon"),
];

/// Builds the config.json of a model; `weights` are its tensors under their Hugging Face names.
pub(super) fn config(metadata: &Metadata<'_>, weights: &Weights, vocabulary: usize) -> Result<Json> {
    let architecture = metadata.architecture()?;
    let key = |name: &str| format!("{architecture}.{name}");
    let mut config = Map::new();
    let own = OWN_FIELDS.iter().find(|(known, _)| *known == architecture);
    for (field, name) in own.map_or(FIELDS, |(_, fields)| fields) {
        if let Some(number) = metadata.number(&key(name)) {
            config.insert((*field).to_owned(), number);
        }
    }
    let mixture = metadata.size(&key("expert_count")).is_some_and(|count| count > 0);
    let known = ARCHITECTURES.iter().find(|known| known.gguf == Some(architecture));
    let name = known.and_then(|known| known.architectures.first()).copied().unwrap_or_default();
    let mut set = |field: &str, value: Json| config.insert(field.to_owned(), value);
    set("architectures", json!([if mixture { "MixtralForCausalLM" } else { name }]));
    set("vocab_size", json!(vocabulary));
    set("tie_word_embeddings", json!(!weights.has("lm_head.weight") && !weights.has("embed_out.weight")));
    set("attention_bias", json!(has_bias(weights, &["self_attn.q_proj", "attention.dense"])));
    set("mlp_bias", json!(has_bias(weights, &["mlp.up_proj"])));
    if let Some(rope) = rope(metadata, weights)? {
        set("rope_scaling", rope);
    }
    match architecture {
        "gemma2" | "gemma3" => {
            set("query_pre_attn_scalar", json!(query_scalar(metadata, architecture)?));
        }
        "gptneox" => {
            let parallel = metadata.flag(&key("use_parallel_residual")).unwrap_or(true);
            set("use_parallel_residual", json!(parallel));
        }
        _ => {}
    }
    if let Some(share) = rotated_share(metadata, architecture)? {
        set("partial_rotary_factor", json!(share));
    }
    Ok(Json::Object(config))
}

fn has_bias(weights: &Weights, stems: &[&str]) -> bool {
    let layers = ["model.layers.0", "gpt_neox.layers.0"];
    layers.iter().any(|layer| stems.iter().any(|stem| weights.has(&format!("{layer}.{stem}.bias"))))
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

/// Returns the rotated share of a head's width, if the file gives the number of rotated dimensions.
fn rotated_share(metadata: &Metadata<'_>, architecture: &str) -> Result<Option<f64>> {
    let key = |name: &str| format!("{architecture}.{name}");
    let Some(rotated) = metadata.size(&key("rope.dimension_count")) else { return Ok(None) };
    let heads = metadata.size(&key("attention.head_count")).unwrap_or(0);
    let derived = || metadata.size(&key("embedding_length"))?.checked_div(heads);
    match metadata.size(&key("attention.key_length")).or_else(derived).filter(|&width| width > 0) {
        Some(width) => Ok(Some(rotated as f64 / width as f64)),
        None => Err(metadata.error(&key("attention.head_count"), "the width of a head is missing").into()),
    }
}

/// Builds `rope_scaling`, from the metadata or from tensors with one factor per pair.
fn rope(metadata: &Metadata<'_>, weights: &Weights) -> Result<Option<Json>> {
    let architecture = metadata.architecture()?;
    let key = |name: &str| format!("{architecture}.rope.scaling.{name}");
    let factors = |name: &str| -> Result<Option<Vec<f32>>> {
        let tensor = weights.tensors().find(|(key, _)| *key == name);
        tensor.map(|(name, stored)| Ok(weights.get(name, &stored.shape)?.flatten_all()?.to_vec1()?)).transpose()
    };
    if let Some(factors) = factors("rope_freqs.weight")? {
        return Ok(Some(json!({"rope_type": "factors", "factors": factors})));
    }
    if let (Some(long), Some(short)) = (factors("rope_factors_long.weight")?, factors("rope_factors_short.weight")?) {
        let mut section = json!({"rope_type": "longrope", "long_factor": long, "short_factor": short});
        for (field, name) in
            [("original_max_position_embeddings", "original_context_length"), ("attention_factor", "attn_factor")]
        {
            if let Some(number) = metadata.number(&key(name)) {
                section[field] = number;
            }
        }
        return Ok(Some(section));
    }
    Ok(match metadata.text(&key("type")) {
        None | Some("none") => None,
        Some(kind) => Some(json!({"rope_type": kind, "factor": metadata.number(&key("factor"))})),
    })
}
