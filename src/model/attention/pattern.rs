//! Attention patterns of each prompt's last token, by tensor operations, one prompt at a time.

use std::collections::HashMap;

use candle_core::{D, DType, Device, Tensor};

use super::{
    parameters::{Attention, Suffixes},
    position_bias::PositionBias,
};
use crate::error::Result;

/// Computes the attention of each prompt's last token, one `[H, prefix + T]` per prompt; `query` `[B, H · head_dim]`
/// has the queries of the last tokens.
pub(super) fn pattern(attention: &Attention, query: &Tensor, suffixes: &Suffixes<'_>) -> Result<Vec<Tensor>> {
    let (prompts, group, head_dim) = (query.dim(0)?, attention.group(), attention.head_dim);
    let query =
        (query.to_dtype(DType::F32)? * attention.scale)?.reshape((prompts, attention.kv_heads, group, head_dim))?;
    let query = query.transpose(0, 1)?.contiguous()?.reshape((attention.kv_heads, prompts * group, head_dim))?;
    let packed = suffixes.packed;
    let own = by_head(attention, &suffixes.own.key)?;
    let prefix = suffixes.prefix.map(|prefix| by_head(attention, &prefix.key)).transpose()?;
    let mut masks = Masks::new(attention.window, packed.start(), group, query.device());
    let keys = packed.start() + packed.spans().map(|span| span.len).max().unwrap_or(0);
    let biases =
        attention.position_bias.as_ref().map(|bias| biases(attention, bias, keys, query.device())).transpose()?;
    let mut patterns = Vec::with_capacity(prompts);
    for (prompt, span) in packed.spans().enumerate() {
        let query = query.narrow(1, prompt * group, group)?;
        let own = own.narrow(1, span.at, span.len)?;
        let scores = scores_of_one(attention.softcap, &query, prefix.as_ref(), &own)?;
        let keys = scores.dim(D::Minus1)?;
        let scores = match &biases {
            Some(biases) => (scores + biases.narrow(D::Minus1, 0, keys)?)?,
            None => scores,
        };
        let scores = match masks.last(span.len)? {
            Some(mask) => scores.broadcast_add(&mask)?,
            None => scores,
        };
        patterns.push(softmax(attention, &scores.reshape((attention.heads, keys))?)?);
    }
    Ok(patterns)
}

/// Returns the keys as `[kv_heads, tokens, head_dim]`.
fn by_head(attention: &Attention, key: &Tensor) -> Result<Tensor> {
    let heads = key.to_dtype(DType::F32)?.reshape((key.dim(0)?, attention.kv_heads, attention.head_dim))?;
    Ok(heads.transpose(0, 1)?.contiguous()?)
}

/// Computes the position biases of all heads, `[kv_heads, group, keys]`.
fn biases(attention: &Attention, bias: &PositionBias, keys: usize, device: &Device) -> Result<Tensor> {
    let values: Vec<f32> = (0..attention.heads).flat_map(|head| bias.values(head, 0..keys)).collect();
    Ok(Tensor::from_vec(values, (attention.kv_heads, attention.group(), keys), device)?)
}

/// Computes the softmax of `scores` `[H, keys]`; a sink takes its share, which belongs to no key.
fn softmax(attention: &Attention, scores: &Tensor) -> Result<Tensor> {
    let Some(sinks) = &attention.sinks else { return Ok(candle_nn::ops::softmax_last_dim(&scores.contiguous()?)?) };
    let (heads, keys) = scores.dims2()?;
    let sinks = Tensor::from_slice(sinks, (heads, 1), scores.device())?;
    let pattern = candle_nn::ops::softmax_last_dim(&Tensor::cat(&[scores, &sinks], 1)?)?;
    Ok(pattern.narrow(1, 0, keys)?.contiguous()?)
}

/// Computes the scores of one prompt: `query` `[kv_heads, group, head_dim]` over the keys of the prefix and its own
/// tokens.
fn scores_of_one(softcap: Option<f64>, query: &Tensor, prefix: Option<&Tensor>, own: &Tensor) -> Result<Tensor> {
    let query = query.contiguous()?;
    let own_scores = query.matmul(&own.transpose(1, 2)?)?;
    let scores = match prefix {
        Some(prefix) => Tensor::cat(&[query.matmul(&prefix.transpose(1, 2)?)?, own_scores], D::Minus1)?,
        None => own_scores,
    };
    Ok(match softcap {
        Some(cap) => ((scores / cap)?.tanh()? * cap)?,
        None => scores,
    })
}

/// Additive masks `[group, prefix + T]` for last tokens, computed once per suffix length.
struct Masks<'a> {
    window: usize,
    prefix: usize,
    group: usize,
    device: &'a Device,
    by_length: HashMap<usize, Option<Tensor>>,
}

impl<'a> Masks<'a> {
    fn new(window: Option<usize>, prefix: usize, group: usize, device: &'a Device) -> Self {
        Self { window: window.unwrap_or(usize::MAX), prefix, group, device, by_length: HashMap::new() }
    }

    /// Returns the mask for the last token of a suffix of `len` tokens; `None` if it attends to all tokens.
    fn last(&mut self, len: usize) -> Result<Option<Tensor>> {
        if let Some(mask) = self.by_length.get(&len) {
            return Ok(mask.clone());
        }
        let keys = self.prefix + len;
        let hidden = keys.saturating_sub(self.window);
        let mask = if hidden == 0 {
            None
        } else {
            let row = (0..keys).map(|key| if key < hidden { f32::NEG_INFINITY } else { 0.0 });
            let mask: Vec<f32> = std::iter::repeat_n(row, self.group).flatten().collect();
            Some(Tensor::from_vec(mask, (self.group, keys), self.device)?)
        };
        self.by_length.insert(len, mask.clone());
        Ok(mask)
    }
}
