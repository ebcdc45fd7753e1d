//! Keys and values that later tokens attend to.

use candle_core::Tensor;

use crate::error::Result;

/// Keys and values of consecutive tokens, rotated, `[tokens, kv_heads · head_dim]` each.
#[derive(Clone, Debug)]
pub struct KvCache {
    /// Keys.
    pub key: Tensor,
    /// Values.
    pub value: Tensor,
}

impl KvCache {
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
