//! Attention by tensor operations, for graphics cards: a few batched products for all prompts of a batch, in the layout
//! of [`groups`](crate::model::groups).

use candle_core::{DType, Tensor};

use super::parameters::{Attention, Suffixes};
use crate::{
    error::Result,
    model::groups::{Scope, Tables},
};

/// Computes the value mixes of `query` `[rows, H · head_dim]`, in the same layout and in f32. Scores have the dtype of
/// the queries.
pub(super) fn mix(attention: &Attention, query: &Tensor, suffixes: &Suffixes<'_>) -> Result<Tensor> {
    let Attention { heads, kv_heads, window, .. } = *attention;
    let scope = Scope { last_only: suffixes.last_only, heads, kv_heads, window, dtype: query.dtype() };
    let packed = suffixes.packed;
    let tables = packed.groups().tables(scope, packed.spans(), packed.start(), query.device())?;
    let (prefix, own) = (suffixes.prefix, suffixes.own);
    let key = with_prefix(attention, prefix.map(|prefix| &prefix.key), &own.key)?;
    let value = with_prefix(attention, prefix.map(|prefix| &prefix.value), &own.value)?;
    // Scaling the keys is cheaper, since there are fewer keys than queries.
    let key = (key * attention.scale)?;
    let mixes = tables.iter().map(|tables| mix_groups(attention, query, &key, &value, tables));
    Ok(Tensor::cat(&mixes.collect::<Result<Vec<_>>>()?, 0)?.to_dtype(DType::F32)?)
}

/// Returns the keys or values of the prefix followed by those of all own tokens, `[tokens · kv_heads, head_dim]`.
fn with_prefix(attention: &Attention, prefix: Option<&Tensor>, own: &Tensor) -> Result<Tensor> {
    let all = match prefix {
        Some(prefix) => Tensor::cat(&[prefix, own], 0)?,
        None => own.contiguous()?,
    };
    Ok(all.reshape(((), attention.head_dim))?)
}

/// Computes the value mixes of the queries in `tables`, `[rows, H · head_dim]`; `query` has all queries.
fn mix_groups(attention: &Attention, query: &Tensor, key: &Tensor, value: &Tensor, tables: &Tables) -> Result<Tensor> {
    let &Attention { heads, kv_heads, head_dim, .. } = attention;
    let (group, batches) = (attention.group(), kv_heads * tables.groups);
    let queries = query.contiguous()?.reshape(((), group * head_dim))?.index_select(&tables.query_rows, 0)?;
    let queries = queries.reshape((batches, tables.slots * group, head_dim))?;
    let gather = |all: &Tensor| -> Result<Tensor> {
        Ok(all.index_select(&tables.key_rows, 0)?.reshape((batches, tables.keys, head_dim))?)
    };
    let scores = queries.matmul(&gather(key)?.transpose(1, 2)?)?;
    let scores = match attention.softcap {
        Some(cap) => ((scores / cap)?.tanh()? * cap)?,
        None => scores,
    };
    let pattern = candle_nn::ops::softmax_last_dim(&(scores + &tables.mask)?)?;
    let mixed = pattern.matmul(&gather(value)?)?.reshape((batches * tables.slots, group * head_dim))?;
    Ok(mixed.index_select(&tables.output_rows, 0)?.reshape((tables.rows, heads * head_dim))?)
}
