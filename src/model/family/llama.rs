//! Llama 1, 2 and 3 (Touvron et al. 2023, arXiv 2302.13971), tied or untied, with grouped queries.

use super::{Config, Family};
use crate::{
    error::Result,
    model::{
        attention::Attention,
        decoder::{Decoder, Layer},
        layers::{Activation, Linear, Mlp, Norm, NormKind},
        rope::Rope,
        weights::Weights,
    },
};

pub(super) const FAMILY: Family =
    Family { name: "llama", architectures: &["LlamaForCausalLM"], model_types: &["llama"], build };

/// Sizes that config.json gives.
struct Sizes {
    hidden: usize,
    inner: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    epsilon: f64,
}

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let sizes = sizes(config)?;
    let (hidden, vocab) = (sizes.hidden, config.size("vocab_size")?);
    let embedding = weights.get("model.embed_tokens.weight", &[vocab, hidden])?;
    let unembedding = if config.flag_or("tie_word_embeddings", false)? {
        embedding.clone()
    } else {
        weights.get("lm_head.weight", &[vocab, hidden])?
    };
    let layers = config.size("num_hidden_layers")?;
    Ok(Decoder {
        embedding,
        embedding_scale: 1.0,
        positions: None,
        ropes: vec![rope(config, sizes.head_dim)?],
        layers: (0..layers).map(|index| layer(config, &sizes, weights, index)).collect::<Result<_>>()?,
        norm: norm(weights, "model.norm.weight", &sizes)?,
        unembedding: Linear { weight: unembedding, bias: None },
        logit_scale: 1.0,
        context: config.size_or("max_position_embeddings", 2048)?,
    })
}

fn sizes(config: &Config) -> Result<Sizes> {
    let (hidden, heads) = (config.size("hidden_size")?, config.size("num_attention_heads")?);
    let kv_heads = config.size_or("num_key_value_heads", heads)?;
    if !heads.is_multiple_of(kv_heads) {
        let problem = format!("{kv_heads} key/value heads do not divide {heads} attention heads");
        return Err(config.wrong("num_key_value_heads", problem).into());
    }
    let head_dim = match config.get("head_dim") {
        Some(_) => config.size("head_dim")?,
        None if hidden.is_multiple_of(heads) => hidden / heads,
        None => {
            let problem = format!("{heads} heads do not divide the width {hidden}");
            return Err(config.wrong("num_attention_heads", problem).into());
        }
    };
    if !head_dim.is_multiple_of(2) {
        return Err(config.wrong("head_dim", format!("{head_dim} is odd; rotary pairs need an even width")).into());
    }
    let epsilon = config.number_or("rms_norm_eps", 1e-6)?;
    Ok(Sizes { hidden, inner: config.size("intermediate_size")?, heads, kv_heads, head_dim, epsilon })
}

fn rope(config: &Config, head_dim: usize) -> Result<Rope> {
    let parameters = config.get("rope_parameters").or_else(|| config.get("rope_scaling"));
    let kind = parameters.and_then(|p| p.get("rope_type").or_else(|| p.get("type"))).and_then(|kind| kind.as_str());
    if let Some(kind) = kind.filter(|&kind| kind != "default") {
        return Err(config.wrong("rope_scaling", format!("the scaling `{kind}` is not supported")).into());
    }
    let nested = parameters.and_then(|parameters| parameters.get("rope_theta")).and_then(serde_json::Value::as_f64);
    let theta = config.number_or("rope_theta", nested.unwrap_or(10_000.0))?;
    Ok(Rope::plain(theta, head_dim))
}

fn layer(config: &Config, sizes: &Sizes, weights: &Weights, index: usize) -> Result<Layer> {
    let at = |name: &str| format!("model.layers.{index}.{name}");
    let linear = |name: &str, out: usize, inner: usize, bias: bool| -> Result<Linear> {
        Ok(Linear {
            weight: weights.get(&at(&format!("{name}.weight")), &[out, inner])?,
            bias: bias.then(|| weights.get(&at(&format!("{name}.bias")), &[out])).transpose()?,
        })
    };
    let &Sizes { hidden, inner, heads, kv_heads, head_dim, .. } = sizes;
    let (attention_bias, mlp_bias) = (config.flag_or("attention_bias", false)?, config.flag_or("mlp_bias", false)?);
    let activation = config.string("hidden_act").unwrap_or_else(|| "silu".to_owned());
    if activation != "silu" {
        return Err(config.wrong("hidden_act", format!("the activation `{activation}` is not supported")).into());
    }
    Ok(Layer {
        attention_norm: Some(norm(weights, &at("input_layernorm.weight"), sizes)?),
        attention: Attention {
            heads,
            kv_heads,
            head_dim,
            query: linear("self_attn.q_proj", heads * head_dim, hidden, attention_bias)?,
            key: linear("self_attn.k_proj", kv_heads * head_dim, hidden, attention_bias)?,
            value: linear("self_attn.v_proj", kv_heads * head_dim, hidden, attention_bias)?,
            output: linear("self_attn.o_proj", hidden, heads * head_dim, attention_bias)?,
            query_key_norm: None,
            scale: 1.0 / (head_dim as f64).sqrt(),
            softcap: None,
            window: None,
        },
        attention_post_norm: None,
        mlp_norm: Some(norm(weights, &at("post_attention_layernorm.weight"), sizes)?),
        mlp: Mlp {
            gate: Some(linear("mlp.gate_proj", inner, hidden, mlp_bias)?),
            up: linear("mlp.up_proj", inner, hidden, mlp_bias)?,
            down: linear("mlp.down_proj", hidden, inner, mlp_bias)?,
            activation: Activation::Silu,
        },
        mlp_post_norm: None,
        parallel: false,
        residual_scale: 1.0,
        rope: Some(0),
    })
}

fn norm(weights: &Weights, name: &str, sizes: &Sizes) -> Result<Norm> {
    let weight = weights.get(name, &[sizes.hidden])?;
    Ok(Norm { kind: NormKind::Rms, weight, bias: None, epsilon: sizes.epsilon })
}
