//! Rotary embeddings in GGUF metadata, converted to the fields of config.json.

use serde_json::{Value as Json, json};

use super::metadata::Metadata;
use crate::{error::Result, model::weights::Weights};

/// Returns the rotated share of a head's width, if the file gives the number of rotated dimensions.
pub(super) fn rotated_share(metadata: &Metadata<'_>, architecture: &str) -> Result<Option<f64>> {
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
pub(super) fn scaling(metadata: &Metadata<'_>, weights: &Weights) -> Result<Option<Json>> {
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
        Some("yarn") => Some(yarn(metadata, architecture)),
        Some(kind) => Some(json!({"rope_type": kind, "factor": metadata.number(&key("factor"))})),
    })
}

/// Builds `rope_scaling` of YaRN.
fn yarn(metadata: &Metadata<'_>, architecture: &str) -> Json {
    let mut section = json!({"rope_type": "yarn"});
    for (field, name) in [
        ("factor", "rope.scaling.factor"),
        ("original_max_position_embeddings", "rope.scaling.original_context_length"),
        ("attention_factor", "rope.scaling.attn_factor"),
        ("beta_fast", "rope.scaling.yarn_beta_fast"),
        ("beta_slow", "rope.scaling.yarn_beta_slow"),
        ("mscale", "rope.scaling.yarn_log_multiplier"),
        ("mscale_all_dim", "rope.scaling.yarn_log_multiplier"),
        ("llama_4_scaling_beta", "attention.temperature_scale"),
    ] {
        if let Some(number) = metadata.number(&format!("{architecture}.{name}")) {
            section[field] = number;
        }
    }
    if architecture == "gpt-oss" {
        section["truncate"] = json!(false);
    }
    section
}
