//! Attention by tensor operations, for graphics cards: a few batched products for all prompts of a batch, in the layout
//! of [`groups`](crate::model::groups).

use candle_core::{DType, Tensor};

use super::{
    parameters::{Attention, Suffixes},
    position_bias::PositionBias,
};
use crate::{
    error::Result,
    model::groups::{Scope, Tables},
};

/// Computes the value mixes of `query` `[rows, H · head_dim]`, in the same layout and in f32. Scores have the dtype of
/// the queries.
pub(super) fn mix(attention: &Attention, query: &Tensor, suffixes: &Suffixes<'_>) -> Result<Tensor> {
    let Attention { heads, kv_heads, window, .. } = *attention;
    let positions = attention.position_bias.is_some();
    let scope = Scope { last_only: suffixes.last_only, heads, kv_heads, window, positions, dtype: query.dtype() };
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
    let scores = match (&attention.position_bias, &tables.key_positions) {
        (Some(bias), Some(positions)) => {
            let biases = biases(bias, positions, (kv_heads, group))?.reshape(scores.shape())?;
            (scores.to_dtype(DType::F32)? + biases)?.to_dtype(scores.dtype())?
        }
        _ => scores,
    };
    let scores = (scores + &tables.mask)?;
    let pattern = match &attention.sinks {
        Some(sinks) => softmax_with_sinks(&scores, sinks, (kv_heads, group))?,
        None => candle_nn::ops::softmax_last_dim(&scores)?,
    };
    let mixed = pattern.matmul(&gather(value)?)?.reshape((batches * tables.slots, group * head_dim))?;
    Ok(mixed.index_select(&tables.output_rows, 0)?.reshape((tables.rows, heads * head_dim))?)
}

/// Computes position biases `[kv_heads, rows, group, S]` for the key positions `[rows, S]` of every query.
fn biases(bias: &PositionBias, positions: &Tensor, (kv_heads, group): (usize, usize)) -> Result<Tensor> {
    let round = |x: Tensor| -> Result<Tensor> {
        Ok(if bias.rounded { x.to_dtype(DType::BF16)?.to_dtype(DType::F32)? } else { x })
    };
    let (rows, keys) = positions.dims2()?;
    let slopes = Tensor::from_slice(&bias.slopes, (kv_heads, 1, group, 1), positions.device())?;
    let positions = round(positions.reshape((1, rows, 1, keys))?)?;
    Ok((round(round(slopes)?.broadcast_mul(&positions)?)? * f64::from(bias.factor))?)
}

/// Computes the softmax of `scores` `[kv_heads · G, Q · group, S]` in which each head's sink takes a share.
fn softmax_with_sinks(scores: &Tensor, sinks: &[f32], (kv_heads, group): (usize, usize)) -> Result<Tensor> {
    let (batches, rows, keys) = scores.dims3()?;
    let sinks = Tensor::from_slice(sinks, (kv_heads, 1, 1, group), scores.device())?.to_dtype(scores.dtype())?;
    let sinks = sinks.broadcast_as((kv_heads, batches / kv_heads, rows / group, group))?;
    let sinks = sinks.contiguous()?.reshape((batches, rows, 1))?;
    let pattern = candle_nn::ops::softmax_last_dim(&Tensor::cat(&[scores, &sinks], 2)?)?;
    Ok(pattern.narrow(2, 0, keys)?.contiguous()?)
}
