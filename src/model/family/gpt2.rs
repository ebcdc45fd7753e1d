//! GPT-2 (Radford et al. 2019): learned positions, layer norms, biases, and matrices stored as `[in, out]`.

use std::{iter, ops::Range};

use super::{Architecture, Config, decoder_spec};
use crate::{
    error::Result,
    model::{
        attention::Attention,
        decoder::{Decoder, Layer},
        layers::{Linear, Norm, NormKind},
        mlp::{FeedForward, Mlp},
        weights::Weights,
    },
};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "gpt2",
    architectures: &["GPT2LMHeadModel"],
    model_types: &["gpt2"],
    gguf: Some("gpt2"),
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let hidden = config.size("n_embd")?;
    let vocabulary = (config.size("vocab_size")?, hidden);
    let context = config.size_or("n_positions", 1024)?;
    // The earliest files have no `transformer.` prefix.
    let root = if weights.has("wte.weight") { "" } else { "transformer." };
    let embedding = weights.matrix(&format!("{root}wte.weight"), vocabulary)?;
    let tied = config.flag_or("tie_word_embeddings", true)?;
    let unembedding = if tied { embedding.clone() } else { weights.matrix("lm_head.weight", vocabulary)? };
    let reader = Reader { config, weights, hidden, epsilon: config.positive_or("layer_norm_epsilon", 1e-5)? };
    let layers = 0..config.count("n_layer")?;
    Ok(Decoder {
        embedding,
        embedding_scale: 1.0,
        positions: Some(weights.get(&format!("{root}wpe.weight"), &[context, hidden])?),
        ropes: Vec::new(),
        layers: layers.map(|layer| reader.layer(&format!("{root}h.{layer}"), layer)).collect::<Result<_>>()?,
        norm: reader.norm(&format!("{root}ln_f"))?,
        unembedding: Linear { weight: unembedding, bias: None },
        logit_scale: 1.0,
        context,
    })
}

struct Reader<'a> {
    config: &'a Config,
    weights: &'a Weights,
    hidden: usize,
    epsilon: f64,
}

impl Reader<'_> {
    fn layer(&self, at: &str, index: usize) -> Result<Layer> {
        let (config, hidden) = (self.config, self.hidden);
        let inner = config.size_or("n_inner", 4 * hidden)?;
        let linear = |name: &str, out: usize, width: usize| self.linear(&format!("{at}.{name}"), out, width, 0..out);
        Ok(Layer {
            attention_norm: Some(self.norm(&format!("{at}.ln_1"))?),
            attention: self.attention(&format!("{at}.attn"), index)?,
            attention_post_norm: None,
            mlp_norm: Some(self.norm(&format!("{at}.ln_2"))?),
            mlp: Mlp::Dense(FeedForward {
                gate: None,
                up: linear("mlp.c_fc", inner, hidden)?,
                down: linear("mlp.c_proj", hidden, inner)?,
                activation: decoder_spec::activation(config, "activation_function", "gelu_new")?,
            }),
            mlp_post_norm: None,
            parallel: false,
            residual_scale: 1.0,
            rope: None,
        })
    }

    fn attention(&self, at: &str, index: usize) -> Result<Attention> {
        let (config, hidden) = (self.config, self.hidden);
        let heads = config.count("n_head")?;
        let head_dim = decoder_spec::head_width(config, "n_head", hidden, heads)?;
        let scaled = config.flag_or("scale_attn_weights", true)?;
        let by_layer = config.flag_or("scale_attn_by_inverse_layer_idx", false)?;
        let scale = if scaled { 1.0 / (head_dim as f64).sqrt() } else { 1.0 };
        let fused =
            |part: usize| self.linear(&format!("{at}.c_attn"), 3 * hidden, hidden, part * hidden..(part + 1) * hidden);
        Ok(Attention {
            heads,
            kv_heads: heads,
            head_dim,
            query: fused(0)?,
            key: fused(1)?,
            value: fused(2)?,
            output: self.linear(&format!("{at}.c_proj"), hidden, hidden, 0..hidden)?,
            query_key_norm: None,
            scale: if by_layer { scale / (index + 1) as f64 } else { scale },
            softcap: None,
            window: None,
        })
    }

    /// Reads output rows `part` of a map from `width` to `out` dimensions.
    fn linear(&self, name: &str, out: usize, width: usize, part: Range<usize>) -> Result<Linear> {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        let weight =
            self.weights.find(&weight, &[width, out])?.input_first().rows(iter::once(part.clone())).matrix()?;
        let bias = self.weights.find(&bias, &[out])?.rows(iter::once(part)).tensor()?;
        Ok(Linear { weight, bias: Some(bias) })
    }

    fn norm(&self, name: &str) -> Result<Norm> {
        let read = |part: &str| self.weights.get(&format!("{name}.{part}"), &[self.hidden]);
        Ok(Norm { kind: NormKind::Layer, weight: read("weight")?, bias: Some(read("bias")?), epsilon: self.epsilon })
    }
}
