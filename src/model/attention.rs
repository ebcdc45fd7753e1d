//! Multi-head attention over packed suffixes that continue one shared prefix.

use std::collections::HashMap;

use candle_core::{D, Device, Tensor};

use super::{
    layers::{Linear, Norm},
    packed::{Packed, Span},
    rope::Angles,
};
use crate::error::Result;

/// Attention of one layer, with grouped queries (Ainslie et al. 2023, arXiv 2305.13245).
#[derive(Clone, Debug)]
pub struct Attention {
    /// Query heads `H`.
    pub heads: usize,
    /// Key/value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// `[H · head_dim, d]`.
    pub query: Linear,
    /// `[kv_heads · head_dim, d]`.
    pub key: Linear,
    /// `[kv_heads · head_dim, d]`.
    pub value: Linear,
    /// `[d, H · head_dim]`; its bias belongs to `rest`.
    pub output: Linear,
    /// Norms of queries and keys, before rotation.
    pub query_key_norm: Option<QueryKeyNorm>,
    /// Factor on the scores.
    pub scale: f64,
    /// Soft-cap of the scores: `cap · tanh(score / cap)`.
    pub softcap: Option<f64>,
    /// A token sees itself and the `window − 1` tokens before it.
    pub window: Option<usize>,
}

/// Norms of queries and keys.
#[derive(Clone, Debug)]
pub struct QueryKeyNorm {
    /// For queries.
    pub query: Norm,
    /// For keys.
    pub key: Norm,
    /// Whether each head is normalised by itself, or the whole projection at once.
    pub per_head: bool,
}

/// Keys and values of consecutive tokens, rotated, `[kv_heads, tokens, head_dim]` each.
#[derive(Clone, Debug)]
pub struct KeyValue {
    /// Keys.
    pub key: Tensor,
    /// Values.
    pub value: Tensor,
}

impl KeyValue {
    /// These tokens followed by `next`.
    pub fn extend(&self, next: &Self) -> Result<Self> {
        let join = |a: &Tensor, b: &Tensor| Tensor::cat(&[a, b], 1);
        Ok(Self { key: join(&self.key, &next.key)?, value: join(&self.value, &next.value)? })
    }
}

/// Which tokens ask.
#[derive(Clone, Copy, Debug)]
pub enum Queries<'a> {
    /// Every token.
    All,
    /// The last token of every prompt: these rows.
    Last(&'a Tensor),
}

impl Attention {
    /// Keys and values of the packed tokens `x` `[ΣT, d]`.
    pub fn key_value(&self, x: &Tensor, angles: Option<&Angles>) -> Result<KeyValue> {
        let mut key = self.key.forward(x)?;
        if let Some(norm) = self.query_key_norm.as_ref().filter(|norm| !norm.per_head) {
            key = norm.key.forward(&key)?;
        }
        let mut key = self.split(&key, self.kv_heads)?;
        if let Some(norm) = self.query_key_norm.as_ref().filter(|norm| norm.per_head) {
            key = norm.key.forward(&key)?;
        }
        if let Some(angles) = angles {
            key = angles.rotate(&key)?;
        }
        let value = self.split(&self.value.forward(x)?, self.kv_heads)?;
        Ok(KeyValue { key: key.transpose(0, 1)?.contiguous()?, value: value.transpose(0, 1)?.contiguous()? })
    }

    /// Value mixes `z` of the asking tokens, `[rows, H · head_dim]`; `x` and `angles` are those of the asking rows.
    pub fn mix(
        &self,
        x: &Tensor,
        angles: Option<&Angles>,
        packed: &Packed,
        prefix: Option<&KeyValue>,
        own: &KeyValue,
        queries: Queries<'_>,
    ) -> Result<Tensor> {
        let query = self.query(x, angles)?;
        let group = self.heads / self.kv_heads;
        let mut masks = Masks::new(self.window, packed.start(), group, x.device());
        let mut mixes = Vec::with_capacity(packed.prompts());
        for (prompt, span) in packed.spans().enumerate() {
            let (rows, mask) = match queries {
                Queries::All => (span, masks.causal(span.len)?),
                Queries::Last(_) => (Span { at: prompt, len: 1 }, masks.last(span.len)?),
            };
            let query = query.narrow(1, rows.at * group, rows.len * group)?;
            let own =
                KeyValue { key: own.key.narrow(1, span.at, span.len)?, value: own.value.narrow(1, span.at, span.len)? };
            mixes.push(self.mix_one(&query, prefix, &own, mask.as_ref())?);
        }
        let mix = Tensor::cat(&mixes, 1)?;
        let rows = mix.dim(1)? / group;
        let mix = mix.reshape((self.kv_heads, rows, group, self.head_dim))?.transpose(0, 1)?;
        Ok(mix.contiguous()?.reshape((rows, self.heads * self.head_dim))?)
    }

    /// Queries, scaled and rotated, `[kv_heads, rows · group, head_dim]`.
    fn query(&self, x: &Tensor, angles: Option<&Angles>) -> Result<Tensor> {
        let mut query = self.query.forward(x)?;
        if let Some(norm) = self.query_key_norm.as_ref().filter(|norm| !norm.per_head) {
            query = norm.query.forward(&query)?;
        }
        let mut query = self.split(&query, self.heads)?;
        if let Some(norm) = self.query_key_norm.as_ref().filter(|norm| norm.per_head) {
            query = norm.query.forward(&query)?;
        }
        if let Some(angles) = angles {
            query = angles.rotate(&query)?;
        }
        let (rows, group) = (query.dim(0)?, self.heads / self.kv_heads);
        let query = (query * self.scale)?.reshape((rows, self.kv_heads, group, self.head_dim))?;
        Ok(query.transpose(0, 1)?.contiguous()?.reshape((self.kv_heads, rows * group, self.head_dim))?)
    }

    /// One prompt: `query` `[kv_heads, rows · group, head_dim]` against the prefix and its own tokens.
    fn mix_one(
        &self,
        query: &Tensor,
        prefix: Option<&KeyValue>,
        own: &KeyValue,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let query = query.contiguous()?;
        let own_scores = query.matmul(&own.key.transpose(1, 2)?)?;
        let scores = match prefix {
            Some(prefix) => Tensor::cat(&[query.matmul(&prefix.key.transpose(1, 2)?)?, own_scores], D::Minus1)?,
            None => own_scores,
        };
        let scores = match self.softcap {
            Some(cap) => ((scores / cap)?.tanh()? * cap)?,
            None => scores,
        };
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let pattern = candle_nn::ops::softmax_last_dim(&scores)?;
        let Some(prefix) = prefix else {
            return Ok(pattern.matmul(&own.value.contiguous()?)?);
        };
        let (seen, length) = (prefix.key.dim(1)?, pattern.dim(D::Minus1)?);
        let from_prefix = pattern.narrow(D::Minus1, 0, seen)?.contiguous()?.matmul(&prefix.value)?;
        let from_own = pattern.narrow(D::Minus1, seen, length - seen)?.contiguous()?;
        Ok((from_prefix + from_own.matmul(&own.value.contiguous()?)?)?)
    }

    fn split(&self, x: &Tensor, heads: usize) -> Result<Tensor> {
        Ok(x.reshape((x.dim(0)?, heads, self.head_dim))?)
    }
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
