//! Reads rotary embeddings and their context scaling from config.json.

use super::Config;
use crate::{
    error::Result,
    model::rope::{Long, QueryGrowth, Rope},
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
    /// Whether a scaling that is not given per layer type applies.
    pub(super) is_scaled: bool,
}

impl Default for RopeDefaults {
    fn default() -> Self {
        Self { theta: 10_000.0, rotated: 1.0, layer_type: None, is_scaled: true }
    }
}

/// Reads the rotary embedding of `config`.
///
/// Newer files have everything in `rope_parameters`; older ones have `rope_scaling` and a top-level `rope_theta`.
pub(super) fn rope(config: &Config, head_dim: usize, defaults: RopeDefaults) -> Result<Rope> {
    let section = config.section("rope_parameters").or_else(|| config.section("rope_scaling"));
    let own = defaults.layer_type.and_then(|name| section.as_ref()?.section(name));
    let is_scaled = defaults.is_scaled || own.is_some();
    let section = own.or(section);
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
    let section = section.filter(|_| is_scaled);
    if section.as_ref().is_some_and(|section| kind(section).1 == "proportional") && share <= 1.0 {
        return proportional(section.as_ref(), &Rope::plain(theta, head_dim), share);
    }
    let rotated = (head_dim as f64 * share) as usize;
    if share > 1.0 || rotated == 0 || !rotated.is_multiple_of(2) {
        let problem = format!("{rotated} of {head_dim} dimensions cannot be rotated in pairs");
        return Err(config.error("head_dim", problem).into());
    }
    let plain = Rope::plain(theta, rotated);
    match section {
        Some(section) => scale(config, &section, plain, theta),
        None => Ok(plain),
    }
}

/// Returns the name of the scaling, and of the field that has it.
fn kind(section: &Config) -> (&'static str, String) {
    let field = if section.get("rope_type").is_some() { "rope_type" } else { "type" };
    (field, section.string(field).unwrap_or_else(|| "default".to_owned()))
}

fn scale(config: &Config, section: &Config, plain: Rope, theta: f64) -> Result<Rope> {
    let (field, kind) = kind(section);
    match kind.as_str() {
        // In mrope (Wang et al. 2024, arXiv 2409.12191) all coordinates of a text token are its position. Dynamic scaling
        // begins beyond `max_position_embeddings`, and longer prompts are refused.
        "default" | "mrope" | "dynamic" => Ok(plain),
        "linear" => {
            let factor = section.positive_or("factor", 1.0)? as f32;
            Ok(scaled(&plain, |_, frequency| frequency / factor))
        }
        "llama3" => llama3(section, &plain),
        "yarn" => yarn(config, section, &plain, theta),
        "longrope" | "su" => longrope(config, section, &plain),
        "factors" => {
            let factors = section.numbers("factors", plain.inverse_frequencies.len())?;
            Ok(scaled(&plain, |pair, frequency| frequency / factors[pair] as f32))
        }
        other => {
            let problem = format!("the scaling `{other}` is not supported");
            let known = "supported scalings: default, dynamic, linear, llama3, longrope, mrope, proportional and yarn";
            Err(section.error(field, problem).help(known).into())
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

/// Divides low frequencies, keeps high ones, and interpolates in between by the number of rotations in the original
/// context (YaRN; Peng et al. 2023, arXiv 2309.00071); cosine and sine grow with the factor.
fn yarn(config: &Config, section: &Config, plain: &Rope, theta: f64) -> Result<Rope> {
    let field = "original_max_position_embeddings";
    // As in transformers, the field outside the section counts first.
    let original = match (config.get(field), section.get(field)) {
        (Some(_), _) => config.size(field)?,
        (None, Some(_)) => section.size(field)?,
        (None, None) => config.size("max_position_embeddings")?,
    } as f64;
    let ratio = config.size_or("max_position_embeddings", original as usize)? as f64 / original;
    let factor = section.positive_or("factor", ratio)?;
    let (fast, slow) = (positive_or_unset(section, "beta_fast", 32.0)?, positive_or_unset(section, "beta_slow", 1.0)?);
    let rotated = 2.0 * plain.inverse_frequencies.len() as f64;
    let dimension =
        |rotations: f64| rotated * (original / (rotations * std::f64::consts::TAU)).ln() / (2.0 * theta.ln());
    let (mut low, mut high) = (dimension(fast), dimension(slow));
    if section.flag_or("truncate", true)? {
        (low, high) = (low.floor(), high.ceil());
    }
    let (low, high) = (low.max(0.0), high.min(rotated - 1.0));
    let width = if (high - low).abs() > 0.0 { high - low } else { 0.001 };
    let growth = |weight: f64| if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 };
    let weights = [section.number_or("mscale", 0.0)?, section.number_or("mscale_all_dim", 0.0)?];
    let default = if weights.iter().all(|weight| weight.abs() > 0.0) {
        growth(weights[0]) / growth(weights[1])
    } else {
        growth(1.0)
    };
    let magnitude = section.positive_or("attention_factor", default)? as f32;
    let rope = scaled(plain, |pair, frequency| {
        let divided = ((pair as f64 - low) / width).clamp(0.0, 1.0);
        (f64::from(frequency) * (divided / factor + 1.0 - divided)) as f32
    });
    let beta = section.number_or("llama_4_scaling_beta", 0.0)? as f32;
    let query_growth = (beta.abs() > 0.0).then_some(QueryGrowth { beta, length: original as usize });
    Ok(Rope { magnitude, query_growth, ..rope })
}

/// Returns a positive number, or `default` if the field is absent or zero, as transformers reads it.
fn positive_or_unset(section: &Config, field: &str, default: f64) -> Result<f64> {
    if section.number_or(field, 0.0)?.abs() > 0.0 { section.positive_or(field, default) } else { Ok(default) }
}

/// Rotates the first `share` of the pairs of a whole head, by frequencies that are divided by a factor (Gemma 4).
fn proportional(section: Option<&Config>, plain: &Rope, share: f64) -> Result<Rope> {
    let factor = section.map_or(Ok(1.0), |section| section.positive_or("factor", 1.0))? as f32;
    let turning = (share * plain.inverse_frequencies.len() as f64) as usize;
    Ok(scaled(plain, |pair, frequency| if pair < turning { frequency / factor } else { 0.0 }))
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

    /// Frequencies of `_compute_proportional_rope_parameters` of transformers 5.24 for base 100, a factor of 2, half of a
    /// head of 8 dimensions.
    #[test]
    fn proportional_scaling_turns_the_first_pairs_of_a_whole_head() {
        let json = r#"{"rope_parameters": {"rope_type": "proportional", "rope_theta": 100.0, "factor": 2.0,
            "partial_rotary_factor": 0.5}}"#;
        let rope = read(json, RopeDefaults { is_scaled: true, ..RopeDefaults::default() }).unwrap();
        let expected = [0.5, 0.158_113_88, 0.0, 0.0];
        let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
        assert!(rope.inverse_frequencies.iter().zip(&expected).all(near), "{:?}", rope.inverse_frequencies);
        assert_eq!((rope.inverse_frequencies.len(), rope.magnitude.to_bits()), (4, 1.0_f32.to_bits()));
    }

    #[test]
    fn unsupported_values_are_named() {
        let cases = [
            (r#"{"rope_scaling": {"type": "warp", "factor": 2.0}}"#, "`rope_scaling.type`: the scaling `warp`"),
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
