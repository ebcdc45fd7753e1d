//! Multi-head attention over packed suffixes that continue one shared prefix.

mod fused;
mod grouped;
mod kv_cache;
mod parameters;
mod pattern;
mod position_bias;

use candle_core::{DType, Tensor};
pub use kv_cache::KvCache;
use parameters::Suffixes;
pub use parameters::{Attention, QueryKeyNorm};
pub use position_bias::PositionBias;

use super::{
    card::is_card,
    layers::{Linear, Norm},
    packed::Packed,
    rope::Angles,
};
use crate::error::Result;

/// Tokens whose queries are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queries {
    /// Every token.
    All,
    /// The last token of every prompt.
    Last,
}

impl Attention {
    /// Computes the keys and values of the packed tokens `x` `[ΣT, d]`.
    pub fn key_value(&self, x: &Tensor, angles: Option<&Angles>) -> Result<KvCache> {
        let norm = self.query_key_norm.as_ref();
        let key = self.normed_and_rotated(project(&self.key, x)?, norm.map(|norm| &norm.key), angles)?;
        Ok(KvCache { key, value: self.clipped(project(&self.value, x)?)? })
    }

    /// Computes the value mixes `z` of the query tokens, `[rows, H · head_dim]`; `x` and `angles` have the rows of
    /// these tokens.
    pub fn mix(
        &self,
        x: &Tensor,
        angles: Option<&Angles>,
        packed: &Packed,
        prefix: Option<&KvCache>,
        own: &KvCache,
        queries: Queries,
    ) -> Result<Tensor> {
        let query = self.query(x, angles)?;
        let suffixes = Suffixes { packed, prefix, own, last_only: queries == Queries::Last };
        if is_card(x.device()) { grouped::mix(self, &query, &suffixes) } else { fused::mix(self, &query, &suffixes) }
    }

    /// Computes the attention of each prompt's last token over the prefix and its own tokens, one `[H, tokens]` per
    /// prompt; `x` and `angles` have the rows of the last tokens. Time and memory are linear in a prompt's length.
    pub fn pattern(
        &self,
        x: &Tensor,
        angles: Option<&Angles>,
        packed: &Packed,
        prefix: Option<&KvCache>,
        own: &KvCache,
    ) -> Result<Vec<Tensor>> {
        let query = self.query(x, angles)?;
        pattern::pattern(self, &query, &Suffixes { packed, prefix, own, last_only: true })
    }

    /// Computes the queries, rotated but not scaled by [`Attention::scale`], `[rows, H · head_dim]`.
    fn query(&self, x: &Tensor, angles: Option<&Angles>) -> Result<Tensor> {
        let norm = self.query_key_norm.as_ref();
        let query = self.normed_and_rotated(project(&self.query, x)?, norm.map(|norm| &norm.query), angles)?;
        angles.map_or(Ok(query.clone()), |angles| angles.scale_queries(query))
    }

    /// Limits the magnitude of the values of `x` to [`Attention::clip`].
    fn clipped(&self, x: Tensor) -> Result<Tensor> {
        match self.clip {
            Some(most) => Ok(x.clamp(-most, most)?),
            None => Ok(x),
        }
    }

    /// Normalises and rotates queries or keys `x` `[rows, heads · head_dim]`; `x` must not share its storage with
    /// another tensor, since it may be changed in place.
    fn normed_and_rotated(&self, x: Tensor, norm: Option<&Norm>, angles: Option<&Angles>) -> Result<Tensor> {
        let x = match norm {
            Some(norm) => norm.forward(&x.to_dtype(DType::F32)?)?.to_dtype(x.dtype())?,
            None => x,
        };
        let x = self.clipped(x)?;
        angles.map_or(Ok(x.clone()), |angles| angles.rotate(x, self.head_dim))
    }
}

/// Computes queries, keys or values of `x` `[rows, d]`, in f32, or in f16 if products are in half precision. Their
/// values are of moderate size, and f16 stores three more bits of them than bf16.
fn project(map: &Linear, x: &Tensor) -> Result<Tensor> {
    let y = map.forward_in_product_dtype(x)?;
    if map.weight.multiplies_in_half() { Ok(y.to_dtype(DType::F16)?) } else { Ok(y) }
}
