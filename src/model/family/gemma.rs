//! Gemma 1 (arXiv 2403.08295), 2 (arXiv 2408.00118) and the text half of 3 (arXiv 2503.19786).
//!
//! All scale their embeddings by √d and add one to norm weights. Gemma 2 has norms before and after each block,
//! soft-caps attention scores and uses a sliding window in every other layer. Gemma 3 replaces the soft-cap by norms on
//! queries and keys, and its windowed layers have their own rotary embedding.

use super::{
    Architecture, Config,
    decoder_spec::{DecoderSpec, NormSpec, Norms, QueryKeyNorms, activation, windows},
    names::Names,
    scaling::{RopeDefaults, rope},
    sizes::Sizes,
};
use crate::{
    error::Result,
    model::{decoder::Decoder, layers::Activation, rope::Rope, weights::Weights},
};

pub(super) const GEMMA: Architecture = Architecture {
    name: "gemma",
    architectures: &["GemmaForCausalLM"],
    model_types: &["gemma"],
    gguf: Some("gemma"),
    positions: "rotary",
    special: "scaled embeddings; 1 is added to norm weights",
    users: "Gemma 1",
    build: gemma,
};
pub(super) const GEMMA2: Architecture = Architecture {
    name: "gemma2",
    architectures: &["Gemma2ForCausalLM"],
    model_types: &["gemma2"],
    gguf: Some("gemma2"),
    positions: "rotary",
    special: "norms before and after blocks; soft-capped scores; a window in every other layer",
    users: "Gemma 2",
    build: gemma2,
};
pub(super) const GEMMA3: Architecture = Architecture {
    name: "gemma3",
    architectures: &["Gemma3ForCausalLM"],
    model_types: &["gemma3_text"],
    gguf: Some("gemma3"),
    positions: "rotary, one for each kind of layer",
    special: "norms before and after blocks and on each head; a window in five of six layers",
    users: "Gemma 3 (the text half of those that see)",
    build: gemma3,
};

/// Names in Gemma 2 and 3.
const NAMES: Names = Names { mlp_norm: "pre_feedforward_layernorm", ..Names::LLAMA };
/// Default head width.
const HEAD_DIM: usize = 256;

fn gemma(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, Some(HEAD_DIM))?;
    // Early files say `gelu` but mean the tanh approximation; transformers also uses it.
    let field = if config.get("hidden_activation").is_some() { "hidden_activation" } else { "hidden_act" };
    let activation = match activation(config, field, "gelu_pytorch_tanh")? {
        Activation::GeluErf => Activation::GeluTanh,
        other => other,
    };
    DecoderSpec { activation, ..common(config, &sizes)? }.build(config, weights, &sizes)
}

fn gemma2(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = Sizes::read(config, Some(HEAD_DIM))?;
    let spec = DecoderSpec {
        norms: Norms::Around,
        names: NAMES,
        softcap: softcap(config, "attn_logit_softcapping", 50.0)?,
        attention_scale: query_scale(config)?,
        windows: windows(config, sizes.layers, |layer| layer % 2 == 0)?,
        ..common(config, &sizes)?
    };
    spec.build(config, weights, &sizes)
}

/// Sizes that configurations of the text half may leave out.
const GEMMA3_DEFAULTS: [(&str, usize); 8] = [
    ("vocab_size", 262_208),
    ("hidden_size", 2304),
    ("intermediate_size", 9216),
    ("num_hidden_layers", 26),
    ("num_attention_heads", 8),
    ("num_key_value_heads", 4),
    ("max_position_embeddings", 131_072),
    ("sliding_window", 4096),
];

fn gemma3(config: &Config, weights: &Weights) -> Result<Decoder> {
    let defaults = if config.whole().is_some() { &GEMMA3_DEFAULTS[..] } else { &[] };
    let config =
        &defaults.iter().fold(config.clone(), |config, &(field, size)| config.with_default(field, size.into()));
    let sizes = Sizes::read(config, Some(HEAD_DIM))?;
    let newer = config.get("_sliding_window_pattern").is_some();
    let pattern = config.size_or(if newer { "_sliding_window_pattern" } else { "sliding_window_pattern" }, 6)?;
    let spec = DecoderSpec {
        norms: Norms::Around,
        names: NAMES,
        query_key_norms: QueryKeyNorms::PerHead,
        softcap: softcap(config, "attn_logit_softcapping", 50.0)?,
        attention_scale: query_scale(config)?,
        windows: windows(config, sizes.layers, |layer| (layer + 1) % pattern != 0)?,
        ..common(config, &sizes)?
    };
    let spec = spec.with_two_ropes(global_rope(config, &sizes)?, local_rope(config, &sizes)?);
    spec.build(config, weights, &sizes)
}

fn common(config: &Config, sizes: &Sizes) -> Result<DecoderSpec> {
    if config.flag_or("use_bidirectional_attention", false)? {
        return Err(config.error("use_bidirectional_attention", "only causal attention is supported").into());
    }
    let llama = DecoderSpec::llama(config, sizes)?;
    let field = if config.get("hidden_activation").is_some() { "hidden_activation" } else { "hidden_act" };
    Ok(DecoderSpec {
        activation: activation(config, field, "gelu_pytorch_tanh")?,
        norm: NormSpec { offset: 1.0, ..NormSpec::RMS },
        embedding_scale: (sizes.hidden as f64).sqrt(),
        logit_softcap: softcap(config, "final_logit_softcapping", 30.0)?,
        tied: true,
        ..llama
    })
}

/// Reads a soft-cap, if the configuration names it.
fn softcap(config: &Config, field: &str, default: f64) -> Result<Option<f64>> {
    config.get(field).map(|_| config.positive_or(field, default)).transpose()
}

fn query_scale(config: &Config) -> Result<f64> {
    Ok(1.0 / config.positive_or("query_pre_attn_scalar", 256.0)?.sqrt())
}

fn global_rope(config: &Config, sizes: &Sizes) -> Result<Rope> {
    let layer_type = Some("full_attention");
    rope(config, sizes.head_dim, RopeDefaults { theta: 1e6, layer_type, ..RopeDefaults::default() })
}

/// Returns the rotary embedding of windowed layers; older files give its base in a separate field, without scaling.
fn local_rope(config: &Config, sizes: &Sizes) -> Result<Rope> {
    let layer_type = "sliding_attention";
    if config.section("rope_parameters").is_some_and(|section| section.section(layer_type).is_some()) {
        let defaults = RopeDefaults { layer_type: Some(layer_type), ..RopeDefaults::default() };
        return rope(config, sizes.head_dim, defaults);
    }
    Ok(Rope::plain(config.positive_or("rope_local_base_freq", 10_000.0)?, sizes.head_dim))
}
