//! The text half of a model that reads several kinds of input, and weights in formats that are refused.

use serde_json::Value;

use super::{ARCHITECTURES, Config};
use crate::{error::Result, model::weights::Weights};

/// Prefixes of the text half's tensors, each with the one in checkpoints of text models.
const PREFIXES: [(&str, &str); 4] = [
    ("language_model.model.", "model."),
    ("language_model.lm_head.", "lm_head."),
    ("model.language_model.", "model."),
    ("lm_head.", "lm_head."),
];
/// Fields outside `text_config` that also count inside.
const COMMON: [&str; 2] = ["tie_word_embeddings", "quantization_config"];

/// Returns the text half of a model whose configuration has one in `text_config`; other models are unchanged.
///
/// # Errors
/// If the weights are in a format that is not supported.
pub(in crate::model) fn text_half(config: Config, weights: Weights) -> Result<(Config, Weights)> {
    check_format(&config)?;
    let known = |name: &String| ARCHITECTURES.iter().any(|known| known.architectures.contains(&name.as_str()));
    let named = config.strings("architectures");
    let Some(text) = config.section("text_config").filter(|_| !named.iter().any(known)) else {
        return Ok((config, weights));
    };
    let text = COMMON.iter().fold(text, |text, field| match config.get(field) {
        Some(value) => text.with_default(field, value.clone()),
        None => text,
    });
    Ok((text.half_of(&named.join(", ")), weights.renamed(text_half_name)))
}

/// Returns the name in the text half of a tensor of the whole model; `None` if it is not part of it.
pub(in crate::model) fn text_half_name(name: &str) -> Option<String> {
    PREFIXES.iter().find_map(|(from, to)| name.strip_prefix(from).map(|rest| format!("{to}{rest}")))
}

/// Refuses weights in a format that only other programs read, by the name in `quantization_config`.
fn check_format(config: &Config) -> Result<()> {
    let field = "quantization_config";
    let Some(section) = config.section(field) else { return Ok(()) };
    let method = match section.get("quant_method").and_then(Value::as_str) {
        Some("mxfp4") => return Ok(()),
        Some(method) => method.to_owned(),
        None if section.get("load_in_4bit").is_some() || section.get("load_in_8bit").is_some() => {
            "bitsandbytes".to_owned()
        }
        None => "an unnamed method".to_owned(),
    };
    let problem = format!("the weights are quantised by {method}, which is not supported");
    let help = "use the original model, or a GGUF file of it (any quantisation of llama.cpp is supported)";
    Err(section.error("quant_method", problem).help(help).into())
}
