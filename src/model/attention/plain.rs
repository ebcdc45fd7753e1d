//! Attention by tensor operations, prompt by prompt: for devices other than the CPU, and what the fused kernel is
//! checked against.

use std::collections::HashMap;

use candle_core::{D, Device, Tensor};

use super::{
    kv_cache::KvCache,
    parameters::{Attention, Suffixes},
};
use crate::{error::Result, model::packed::Span};

/// Value mixes of `query` `[rows, H · head_dim]`, in the same layout.
pub(super) fn mix(attention: &Attention, query: &Tensor, suffixes: &Suffixes<'_>) -> Result<Tensor> {
    let mut mixes = Vec::with_capacity(suffixes.packed.prompts());
    let prefix = suffixes.prefix.map(|prefix| by_head(attention, prefix)).transpose()?;
    for_each_prompt(attention, query, suffixes, |pattern, own| {
        mixes.push(mix_one(pattern, prefix.as_ref(), own)?);
        Ok(())
    })?;
    let (rows, group) = (query.dim(0)?, attention.group());
    let mix = Tensor::cat(&mixes, 1)?.reshape((attention.kv_heads, rows, group, attention.head_dim))?;
    Ok(mix.transpose(0, 1)?.contiguous()?.reshape(query.shape())?)
}

/// Attention of each prompt's last token, one `[H, prefix + T]` a prompt.
pub(super) fn pattern(attention: &Attention, query: &Tensor, suffixes: &Suffixes<'_>) -> Result<Vec<Tensor>> {
    let mut patterns = Vec::with_capacity(suffixes.packed.prompts());
    for_each_prompt(attention, query, suffixes, |pattern, _| {
        patterns.push(pattern.reshape((attention.heads, pattern.dim(D::Minus1)?))?);
        Ok(())
    })?;
    Ok(patterns)
}

/// Keys and values `[kv_heads, tokens, head_dim]`.
fn by_head(attention: &Attention, tokens: &KvCache) -> Result<KvCache> {
    let split = |x: &Tensor| -> Result<Tensor> {
        let heads = x.reshape((x.dim(0)?, attention.kv_heads, attention.head_dim))?;
        Ok(heads.transpose(0, 1)?.contiguous()?)
    };
    Ok(KvCache { key: split(&tokens.key)?, value: split(&tokens.value)? })
}

/// Hands out the pattern `[kv_heads, rows · group, prefix + T]` of each prompt with its own keys and values by head.
fn for_each_prompt(
    attention: &Attention,
    query: &Tensor,
    suffixes: &Suffixes<'_>,
    mut deliver: impl FnMut(&Tensor, &KvCache) -> Result<()>,
) -> Result<()> {
    let (rows, group, head_dim) = (query.dim(0)?, attention.group(), attention.head_dim);
    let query = (query * attention.scale)?.reshape((rows, attention.kv_heads, group, head_dim))?;
    let query = query.transpose(0, 1)?.contiguous()?.reshape((attention.kv_heads, rows * group, head_dim))?;
    let (packed, own) = (suffixes.packed, by_head(attention, suffixes.own)?);
    let prefix = suffixes.prefix.map(|prefix| by_head(attention, prefix)).transpose()?;
    let mut masks = Masks::new(attention.window, packed.start(), group, query.device());
    for (prompt, span) in packed.spans().enumerate() {
        let (rows, mask) = if suffixes.last_only {
            (Span { at: prompt, len: 1 }, masks.last(span.len)?)
        } else {
            (span, masks.causal(span.len)?)
        };
        let query = query.narrow(1, rows.at * group, rows.len * group)?;
        let own =
            KvCache { key: own.key.narrow(1, span.at, span.len)?, value: own.value.narrow(1, span.at, span.len)? };
        deliver(&pattern_of_one(attention.softcap, &query, prefix.as_ref(), &own, mask.as_ref())?, &own)?;
    }
    Ok(())
}

/// One prompt: `query` `[kv_heads, rows · group, head_dim]` against the keys of the prefix and its own tokens.
fn pattern_of_one(
    softcap: Option<f64>,
    query: &Tensor,
    prefix: Option<&KvCache>,
    own: &KvCache,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let query = query.contiguous()?;
    let own_scores = query.matmul(&own.key.transpose(1, 2)?)?;
    let scores = match prefix {
        Some(prefix) => Tensor::cat(&[query.matmul(&prefix.key.transpose(1, 2)?)?, own_scores], D::Minus1)?,
        None => own_scores,
    };
    let scores = match softcap {
        Some(cap) => ((scores / cap)?.tanh()? * cap)?,
        None => scores,
    };
    let scores = match mask {
        Some(mask) => scores.broadcast_add(mask)?,
        None => scores,
    };
    Ok(candle_nn::ops::softmax_last_dim(&scores)?)
}

/// The values that a pattern weighs.
fn mix_one(pattern: &Tensor, prefix: Option<&KvCache>, own: &KvCache) -> Result<Tensor> {
    let Some(prefix) = prefix else {
        return Ok(pattern.matmul(&own.value.contiguous()?)?);
    };
    let (seen, length) = (prefix.key.dim(1)?, pattern.dim(D::Minus1)?);
    let from_prefix = pattern.narrow(D::Minus1, 0, seen)?.contiguous()?.matmul(&prefix.value)?;
    let from_own = pattern.narrow(D::Minus1, seen, length - seen)?.contiguous()?;
    Ok((from_prefix + from_own.matmul(&own.value.contiguous()?)?)?)
}

/// Additive masks `[rows · group, prefix + T]`, made once per suffix length.
struct Masks<'a> {
    window: usize,
    prefix: usize,
    group: usize,
    device: &'a Device,
    causal: HashMap<usize, Option<Tensor>>,
    last: HashMap<usize, Option<Tensor>>,
}

impl<'a> Masks<'a> {
    fn new(window: Option<usize>, prefix: usize, group: usize, device: &'a Device) -> Self {
        let window = window.unwrap_or(usize::MAX);
        Self { window, prefix, group, device, causal: HashMap::new(), last: HashMap::new() }
    }

    /// For all `len` tokens of a suffix.
    fn causal(&mut self, len: usize) -> Result<Option<Tensor>> {
        if let Some(mask) = self.causal.get(&len) {
            return Ok(mask.clone());
        }
        let mask = self.make(0, len)?;
        self.causal.insert(len, mask.clone());
        Ok(mask)
    }

    /// For the last token of a suffix of `len` tokens.
    fn last(&mut self, len: usize) -> Result<Option<Tensor>> {
        if let Some(mask) = self.last.get(&len) {
            return Ok(mask.clone());
        }
        let mask = self.make(len - 1, len)?;
        self.last.insert(len, mask.clone());
        Ok(mask)
    }

    /// Rows for the suffix tokens `from..len`; `None` where everything is visible.
    fn make(&self, from: usize, len: usize) -> Result<Option<Tensor>> {
        let keys = self.prefix + len;
        let hidden = |query: usize, key: usize| key > query || query - key >= self.window;
        let queries = self.prefix + from..keys;
        if queries.clone().all(|query| (0..keys).all(|key| !hidden(query, key))) {
            return Ok(None);
        }
        let row = |query: usize| (0..keys).map(move |key| if hidden(query, key) { f32::NEG_INFINITY } else { 0.0 });
        let mask: Vec<f32> =
            queries.clone().flat_map(|query| std::iter::repeat_n(query, self.group)).flat_map(row).collect();
        Ok(Some(Tensor::from_vec(mask, (queries.len() * self.group, keys), self.device)?))
    }
}
