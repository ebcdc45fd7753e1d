//! Multi-head attention over packed suffixes that continue one shared prefix.

mod fused;
mod kv_cache;
mod parameters;
mod plain;

use candle_core::Tensor;
pub use kv_cache::KvCache;
use parameters::Suffixes;
pub use parameters::{Attention, QueryKeyNorm};

use super::{layers::Norm, packed::Packed, rope::Angles};
use crate::error::Result;

/// Which tokens ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queries {
    /// Every token.
    All,
    /// The last token of every prompt.
    Last,
}

impl Attention {
    /// Keys and values of the packed tokens `x` `[ΣT, d]`.
    pub fn key_value(&self, x: &Tensor, angles: Option<&Angles>) -> Result<KvCache> {
        let norm = self.query_key_norm.as_ref();
        let key = self.placed(self.key.forward(x)?, norm.map(|norm| &norm.key), angles)?;
        Ok(KvCache { key, value: self.value.forward(x)? })
    }

    /// Value mixes `z` of the asking tokens, `[rows, H · head_dim]`; `x` and `angles` are those of the asking rows.
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
        if x.device().is_cpu() { fused::mix(self, &query, &suffixes) } else { plain::mix(self, &query, &suffixes) }
    }

    /// Attention of each prompt's last token over the prefix and its own tokens, one `[H, tokens]` a prompt; `x` and
    /// `angles` are those of the last rows. Nothing here grows with the square of a prompt's length.
    pub fn pattern(
        &self,
        x: &Tensor,
        angles: Option<&Angles>,
        packed: &Packed,
        prefix: Option<&KvCache>,
        own: &KvCache,
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
}
