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

/// Keys and values of consecutive tokens, rotated, `[tokens, kv_heads · head_dim]` each.
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
        let join = |a: &Tensor, b: &Tensor| Tensor::cat(&[a, b], 0);
        Ok(Self { key: join(&self.key, &next.key)?, value: join(&self.value, &next.value)? })
    }

    /// These tokens, but those at `rows` `[B]` are the tokens of `new`.
    pub fn replace(&self, rows: &Tensor, new: &Self) -> Result<Self> {
        let tokens = self.key.dim(0)?;
        let mut source: Vec<u32> = (0..tokens as u32).collect();
        for (prompt, row) in rows.to_vec1::<u32>()?.into_iter().enumerate() {
            source[row as usize] = (tokens + prompt) as u32;
        }
        let source = Tensor::from_vec(source, tokens, rows.device())?;
        let joined = self.extend(new)?;
        Ok(Self { key: joined.key.index_select(&source, 0)?, value: joined.value.index_select(&source, 0)? })
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
        let norm = self.query_key_norm.as_ref();
        let key = self.placed(self.key.forward(x)?, norm.map(|norm| &norm.key), angles)?;
        Ok(KeyValue { key, value: self.value.forward(x)? })
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
        if x.device().is_cpu() { fused::mix(self, &query, &suffixes) } else { plain::mix(self, &query, &suffixes) }
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

    /// Queries, rotated but not scaled, `[rows, H · head_dim]`.
    fn query(&self, x: &Tensor, angles: Option<&Angles>) -> Result<Tensor> {
        let norm = self.query_key_norm.as_ref();
        self.placed(self.query.forward(x)?, norm.map(|norm| &norm.query), angles)
    }

    /// Normalises queries or keys `x` `[rows, heads · head_dim]`, which nobody else holds, and turns them to their positions.
    fn placed(&self, x: Tensor, norm: Option<&Norm>, angles: Option<&Angles>) -> Result<Tensor> {
        let x = match norm {
            Some(norm) if norm.weight.elem_count() == self.head_dim => {
                let (rows, width) = x.dims2()?;
                norm.forward(&x.reshape((rows, width / self.head_dim, self.head_dim))?)?.reshape((rows, width))?
            }
            Some(norm) => norm.forward(&x)?,
            None => x,
        };
        angles.map_or(Ok(x.clone()), |angles| angles.rotate(x, self.head_dim))
    }

    /// Query heads that share a key/value head.
    const fn group(&self) -> usize {
        self.heads / self.kv_heads
    }
}
