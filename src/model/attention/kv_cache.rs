//! Keys and values that later tokens attend to.

use candle_core::Tensor;

use crate::{error::Result, model::packed::Packed};

/// Keys and values of consecutive tokens, rotated, `[tokens, kv_heads · head_dim]` each.
#[derive(Clone, Debug)]
pub struct KvCache {
    /// Keys.
    pub key: Tensor,
    /// Values.
    pub value: Tensor,
}

impl KvCache {
    /// Returns these tokens followed by `next`.
    pub fn extend(&self, next: &Self) -> Result<Self> {
        let join = |a: &Tensor, b: &Tensor| Tensor::cat(&[a, b], 0);
        Ok(Self { key: join(&self.key, &next.key)?, value: join(&self.value, &next.value)? })
    }

    /// Returns the first `tokens` of these tokens.
    pub fn first(&self, tokens: usize) -> Result<Self> {
        Ok(Self { key: self.key.narrow(0, 0, tokens)?, value: self.value.narrow(0, 0, tokens)? })
    }

    /// Returns these tokens with the last token of every prompt in `packed` replaced by that prompt's token in `new`.
    pub fn replace(&self, packed: &Packed, new: &Self) -> Result<Self> {
        let tokens = self.key.dim(0)?;
        let mut source: Vec<u32> = (0..tokens as u32).collect();
        for (prompt, span) in packed.spans().enumerate() {
            source[span.at + span.len - 1] = (tokens + prompt) as u32;
        }
        let source = Tensor::from_vec(source, tokens, self.key.device())?;
        let joined = self.extend(new)?;
        Ok(Self { key: joined.key.index_select(&source, 0)?, value: joined.value.index_select(&source, 0)? })
    }
}
