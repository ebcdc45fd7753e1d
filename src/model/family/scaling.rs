//! Reads rotary embeddings and their context scaling from config.json.

use super::Config;
use crate::{
    error::Result,
    model::rope::{Long, Rope},
};

/// An architecture's defaults for rotary embeddings.
#[derive(Clone, Copy, Debug)]
pub(super) struct RopeDefaults {
    /// Base of the frequencies.
    pub(super) theta: f64,
    /// Rotated share of a head's width.
    pub(super) rotated: f64,
    /// Entry of `rope_parameters`, in models with different embeddings per layer type.
    pub(super) layer_type: Option<&'static str>,
}

impl Default for RopeDefaults {
    fn default() -> Self {
        Self { theta: 10_000.0, rotated: 1.0, layer_type: None }
    }
}

/// Reads the rotary embedding of `config`.
///
/// Newer files have everything in `rope_parameters`; older ones have `rope_scaling` and a top-level `rope_theta`.
pub(super) fn rope(config: &Config, head_dim: usize, defaults: RopeDefaults) -> Result<Rope> {
    let section = config.section("rope_parameters").or_else(|| config.section("rope_scaling"));
    let section = match defaults.layer_type.and_then(|name| section.as_ref()?.section(name)) {
        Some(inner) => Some(inner),
        None => section,
    };
    let number = |field: &str, old: &[&str], default: f64| -> Result<f64> {
        match &section {
            Some(section) if section.get(field).is_some() => section.positive_or(field, default),
            _ => match old.iter().find(|name| config.get(name).is_some()) {
                Some(name) => config.positive_or(name, default),
                None => Ok(default),
            },
        }
    };
    let theta = number("rope_theta", &["rope_theta", "rotary_emb_base"], defaults.theta)?;
    let share = number("partial_rotary_factor", &["partial_rotary_factor", "rotary_pct"], defaults.rotated)?;
    let rotated = (head_dim as f64 * share) as usize;
    if share > 1.0 || rotated == 0 || !rotated.is_multiple_of(2) {
        let problem = format!("{rotated} of {head_dim} dimensions cannot be rotated in pairs");
        return Err(config.error("head_dim", problem).into());
    }
    let plain = Rope::plain(theta, rotated);
    match section {
        Some(section) => scale(config, &section, plain),
        None => Ok(plain),
    }
}

fn scale(config: &Config, section: &Config, plain: Rope) -> Result<Rope> {
    let field = if section.get("rope_type").is_some() { "rope_type" } else { "type" };
    let kind = section.string(field).unwrap_or_else(|| "default".to_owned());
    match kind.as_str() {
        "default" => Ok(plain),
        "linear" => {
            let factor = section.positive_or("factor", 1.0)? as f32;
            Ok(scaled(&plain, |_, frequency| frequency / factor))
        }
        "llama3" => llama3(section, &plain),
        "longrope" | "su" => longrope(config, section, &plain),
        "factors" => {
            let factors = section.numbers("factors", plain.inverse_frequencies.len())?;
            Ok(scaled(&plain, |pair, frequency| frequency / factors[pair] as f32))
        }
        other => {
            let problem = format!("the scaling `{other}` is not supported");
            Err(section.error(field, problem).help("supported scalings: default, linear, llama3 and longrope").into())
        }
    }
}

fn scaled(plain: &Rope, change: impl Fn(usize, f32) -> f32) -> Rope {
    let frequencies = plain.inverse_frequencies.iter().enumerate().map(|(pair, &frequency)| change(pair, frequency));
    Rope { inverse_frequencies: frequencies.collect(), ..plain.clone() }
}

/// Scales low frequencies, keeps high ones, and interpolates in between (Llama 3.1).
fn llama3(section: &Config, plain: &Rope) -> Result<Rope> {
    let factor = section.positive_or("factor", 8.0)?;
    let (low, high) = (section.positive_or("low_freq_factor", 1.0)?, section.positive_or("high_freq_factor", 4.0)?);
    let original = section.size("original_max_position_embeddings")? as f64;
    if high <= low {
        return Err(section
            .error("high_freq_factor", format!("{high} is not greater than low_freq_factor, {low}"))
            .into());
    }
    Ok(scaled(plain, |_, frequency| {
        let rotations = original * f64::from(frequency) / std::f64::consts::TAU;
        let fast = ((rotations - low) / (high - low)).clamp(0.0, 1.0);
        (f64::from(frequency) * (fast + (1.0 - fast) / factor)) as f32
    }))
}

/// Divides each pair's frequency by one factor in short prompts and by another in long ones (LongRoPE).
fn longrope(config: &Config, section: &Config, plain: &Rope) -> Result<Rope> {
    let pairs = plain.inverse_frequencies.len();
    let (short, long) = (section.numbers("short_factor", pairs)?, section.numbers("long_factor", pairs)?);
    if short.iter().chain(&long).any(|&factor| factor <= 0.0) {
        return Err(section.error("short_factor", "a factor is not greater than zero").into());
    }
    let field = "original_max_position_embeddings";
    let original = if section.get(field).is_some() { section.size(field)? } else { config.size(field)? };
    let ratio = config.size_or("max_position_embeddings", original)? as f64 / original as f64;
    let factor = section.positive_or("factor", ratio)?;
    let default_magnitude = if factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / (original as f64).ln()).sqrt() };
    let magnitude = section.positive_or("attention_factor", default_magnitude)? as f32;
    let divided = |factors: &[f64]| scaled(plain, |pair, frequency| frequency / factors[pair] as f32);
    let long = Long { max_short: original, inverse_frequencies: divided(&long).inverse_frequencies };
    Ok(Rope { magnitude, long: Some(long), ..divided(&short) })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(json: &str, defaults: RopeDefaults) -> Result<Rope> {
        rope(&Config::parse(Path::new("config.json"), json.as_bytes()).unwrap(), 8, defaults)
    }

    /// The fields of transformers 5 and those of earlier versions give the same embedding.
    #[test]
    fn old_and_new_fields_agree() {
        let pairs = [
            (r#"{"rope_theta": 500.0}"#, r#"{"rope_parameters": {"rope_theta": 500.0, "rope_type": "default"}}"#),
            (
                r#"{"rope_theta": 500.0, "rope_scaling": {"type": "linear", "factor": 2.0}}"#,
                r#"{"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 500.0}}"#,
            ),
            (r#"{"rotary_pct": 0.5, "rotary_emb_base": 7}"#, r#"{"partial_rotary_factor": 0.5, "rope_theta": 7}"#),
            (
                r#"{"original_max_position_embeddings": 4, "max_position_embeddings": 16, "rope_scaling": {"type": "su",
                    "short_factor": [1, 1, 2, 2], "long_factor": [1, 2, 3, 4]}}"#,
                r#"{"max_position_embeddings": 16, "rope_parameters": {"rope_type": "longrope", "rope_theta": 10000.0,
                    "original_max_position_embeddings": 4,
                    "short_factor": [1, 1, 2, 2], "long_factor": [1, 2, 3, 4]}}"#,
            ),
        ];
        for (old, new) in pairs {
            let rope = read(old, RopeDefaults::default()).unwrap();
            assert_eq!(rope, read(new, RopeDefaults::default()).unwrap(), "{old}");
            assert_ne!(rope, read("{}", RopeDefaults::default()).unwrap(), "{old}");
        }
    }

    #[test]
    fn unsupported_values_are_named() {
        let cases = [
            (r#"{"rope_scaling": {"type": "yarn", "factor": 2.0}}"#, "`rope_scaling.type`: the scaling `yarn`"),
            (r#"{"rope_scaling": {"type": "longrope", "short_factor": [1]}}"#, "`rope_scaling.short_factor`"),
            (r#"{"rope_theta": "much"}"#, "`rope_theta`"),
            (r#"{"partial_rotary_factor": 0.4}"#, "3 of 8 dimensions"),
            (r#"{"rope_theta": -1.0}"#, "not greater than zero"),
        ];
        for (json, expected) in cases {
            let message = read(json, RopeDefaults::default()).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
