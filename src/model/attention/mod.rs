//! Multi-head attention over packed suffixes that continue one shared prefix.

mod fused;
mod plain;

use candle_core::Tensor;

use super::{
    layers::{Linear, Norm},
    packed::Packed,
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

    /// These tokens, but those at `rows` `[B]` are the tokens of `new`.
    pub fn replace(&self, rows: &Tensor, new: &Self) -> Result<Self> {
        let tokens = self.key.dim(1)?;
        let mut source: Vec<u32> = (0..tokens as u32).collect();
        for (prompt, row) in rows.to_vec1::<u32>()?.into_iter().enumerate() {
            source[row as usize] = (tokens + prompt) as u32;
        }
        let source = Tensor::from_vec(source, tokens, rows.device())?;
        let joined = self.extend(new)?;
        Ok(Self { key: joined.key.index_select(&source, 1)?, value: joined.value.index_select(&source, 1)? })
    }
}

/// Which tokens ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queries {
    /// Every token.
    All,
    /// The last token of every prompt.
    Last,
}

/// What the asking tokens look at.
struct Suffixes<'a> {
    packed: &'a Packed,
    prefix: Option<&'a KeyValue>,
    own: &'a KeyValue,
    /// Whether only the last token of each prompt asks.
    last_only: bool,
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
        queries: Queries,
    ) -> Result<Tensor> {
        let query = self.query(x, angles)?;
        let suffixes = Suffixes { packed, prefix, own, last_only: queries == Queries::Last };
        let mix = if x.device().is_cpu() {
            fused::mix(self, &query, &suffixes)?
        } else {
            plain::mix(self, &query, &suffixes)?
        };
        let group = self.heads / self.kv_heads;
        let rows = mix.dim(1)? / group;
        let mix = mix.reshape((self.kv_heads, rows, group, self.head_dim))?.transpose(0, 1)?;
        Ok(mix.contiguous()?.reshape((rows, self.heads * self.head_dim))?)
    }

    /// Attention of each prompt's last token over the prefix and its own tokens, one `[H, tokens]` a prompt; `x` and
    /// `angles` are those of the last rows. Nothing here grows with the square of a prompt's length.
    pub fn pattern(
        &self,
        x: &Tensor,
        angles: Option<&Angles>,
        packed: &Packed,
        prefix: Option<&KeyValue>,
        own: &KeyValue,
    ) -> Result<Vec<Tensor>> {
        let query = self.query(x, angles)?;
        plain::pattern(self, &query, &Suffixes { packed, prefix, own, last_only: true })
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

    fn split(&self, x: &Tensor, heads: usize) -> Result<Tensor> {
        Ok(x.reshape((x.dim(0)?, heads, self.head_dim))?)
    }
}
