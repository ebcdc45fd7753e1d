//! Weights and settings of one attention layer.

use super::{kv_cache::KvCache, position_bias::PositionBias};
use crate::model::{
    layers::{Linear, Norm},
    packed::Packed,
};

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
    /// Largest magnitude of the values of queries, keys and values; larger ones are clipped, after the norms.
    pub clip: Option<f64>,
    /// Factor on the scores.
    pub scale: f64,
    /// Soft-cap of the scores: `cap · tanh(score / cap)`.
    pub softcap: Option<f64>,
    /// Term of the scores that is linear in the position of the key.
    pub position_bias: Option<PositionBias>,
    /// Per head, the score of a sink that takes a share of the attention and has no value (Xiao et al. 2023, arXiv
    /// 2309.17453; learned in gpt-oss).
    pub sinks: Option<Vec<f32>>,
    /// Sliding window: a token attends to itself and the `window − 1` tokens before it.
    pub window: Option<usize>,
}

/// Norms of queries and keys.
#[derive(Clone, Debug)]
pub struct QueryKeyNorm {
    /// For queries.
    pub query: Norm,
    /// For keys.
    pub key: Norm,
}

impl Attention {
    /// Returns the number of query heads that share a key/value head.
    pub(super) const fn group(&self) -> usize {
        self.heads / self.kv_heads
    }
}

/// Tokens that queries attend to: a shared prefix and each prompt's own suffix.
pub(super) struct Suffixes<'a> {
    /// The prompts.
    pub(super) packed: &'a Packed,
    /// Keys and values of the shared prefix.
    pub(super) prefix: Option<&'a KvCache>,
    /// Keys and values of all own tokens.
    pub(super) own: &'a KvCache,
    /// Whether only the last token of each prompt is a query.
    pub(super) last_only: bool,
}
