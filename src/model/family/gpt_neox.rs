//! GPT-NeoX and Pythia (Black et al. 2022, arXiv 2204.06745; Biderman et al. 2023, arXiv 2304.01373).
//!
//! Attention and MLP usually read the same input. A quarter of each head is rotated. One tensor holds queries, keys and
//! values, head by head.

use std::ops::Range;

use super::{
    Architecture, Config, decoder_spec,
    scaling::{RopeDefaults, rope},
};
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
    name: "gpt_neox",
    architectures: &["GPTNeoXForCausalLM"],
    model_types: &["gpt_neox"],
    gguf: Some("gptneox"),
    build,
};

fn build(config: &Config, weights: &Weights) -> Result<Decoder> {
    let (hidden, heads) = (config.size("hidden_size")?, config.count("num_attention_heads")?);
    let head_dim = decoder_spec::head_width(config, "num_attention_heads", hidden, heads)?;
    let vocabulary = (config.size("vocab_size")?, hidden);
    let embedding = weights.matrix("gpt_neox.embed_in.weight", vocabulary)?;
    let tied = config.flag_or("tie_word_embeddings", false)?;
    let unembedding = if tied { embedding.clone() } else { weights.matrix("embed_out.weight", vocabulary)? };
    let epsilon = config.positive_or("layer_norm_eps", 1e-5)?;
    let reader = Reader { config, weights, hidden, heads, head_dim, epsilon };
    Ok(Decoder {
        embedding,
        embedding_scale: 1.0,
        positions: None,
        ropes: vec![rope(config, head_dim, RopeDefaults { rotated: 0.25, ..RopeDefaults::default() })?],
        layers: (0..config.count("num_hidden_layers")?).map(|layer| reader.layer(layer)).collect::<Result<_>>()?,
        norm: reader.norm("gpt_neox.final_layer_norm")?,
        unembedding: Linear { weight: unembedding, bias: None },
        logit_scale: 1.0,
        context: config.size_or("max_position_embeddings", 2048)?,
    })
}

struct Reader<'a> {
    config: &'a Config,
    weights: &'a Weights,
    hidden: usize,
    heads: usize,
    head_dim: usize,
    epsilon: f64,
}

impl Reader<'_> {
    fn layer(&self, index: usize) -> Result<Layer> {
        let at = format!("gpt_neox.layers.{index}");
        let inner = self.config.size("intermediate_size")?;
        Ok(Layer {
            attention_norm: Some(self.norm(&format!("{at}.input_layernorm"))?),
            attention: self.attention(&format!("{at}.attention"))?,
            attention_post_norm: None,
            mlp_norm: Some(self.norm(&format!("{at}.post_attention_layernorm"))?),
            mlp: Mlp::Dense(FeedForward {
                gate: None,
                up: self.linear(&format!("{at}.mlp.dense_h_to_4h"), (inner, self.hidden), true, None)?,
                down: self.linear(&format!("{at}.mlp.dense_4h_to_h"), (self.hidden, inner), true, None)?,
                activation: decoder_spec::activation(self.config, "hidden_act", "gelu")?,
            }),
            mlp_post_norm: None,
            parallel: self.config.flag_or("use_parallel_residual", true)?,
            residual_scale: 1.0,
            rope: Some(0),
        })
    }

    fn attention(&self, at: &str) -> Result<Attention> {
        let &Self { hidden, heads, head_dim, .. } = self;
        let biases = self.config.flag_or("attention_bias", true)?;
        let part = |part: usize| -> Vec<Range<usize>> {
            (0..heads).map(|head| (3 * head + part) * head_dim..(3 * head + part + 1) * head_dim).collect()
        };
        let fused = |index: usize| {
            self.linear(&format!("{at}.query_key_value"), (3 * hidden, hidden), biases, Some(part(index)))
        };
        Ok(Attention {
            heads,
            kv_heads: heads,
            head_dim,
            query: fused(0)?,
            key: fused(1)?,
            value: fused(2)?,
            output: self.linear(&format!("{at}.dense"), (hidden, hidden), biases, None)?,
            query_key_norm: None,
            scale: 1.0 / (head_dim as f64).sqrt(),
            softcap: None,
            window: None,
        })
    }

    /// Reads a map of shape `(out, in)`, or only `rows` of its output.
    fn linear(
        &self,
        name: &str,
        (out, width): (usize, usize),
        bias: bool,
        rows: Option<Vec<Range<usize>>>,
    ) -> Result<Linear> {
        let rows = rows.unwrap_or_else(|| std::iter::once(0..out).collect());
        let weight = self.weights.find(&format!("{name}.weight"), &[out, width])?.rows(rows.clone()).matrix()?;
        let bias = bias.then(|| self.weights.find(&format!("{name}.bias"), &[out])?.rows(rows).tensor());
        Ok(Linear { weight, bias: bias.transpose()? })
    }

    fn norm(&self, name: &str) -> Result<Norm> {
        let read = |part: &str| self.weights.get(&format!("{name}.{part}"), &[self.hidden]);
        Ok(Norm { kind: NormKind::Layer, weight: read("weight")?, bias: Some(read("bias")?), epsilon: self.epsilon })
    }
}
