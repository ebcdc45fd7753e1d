//! Attention on the CPU, block by block of asking tokens: their scores against the shared prefix as one matrix product
//! per key/value head, then one pass over each row that adds the scores against the prompt's own tokens and takes the
//! softmax over both, and the prefix's values as one product again.
//!
//! A row's result depends on that row alone, so neither blocks nor threads change a byte.

#![allow(clippy::inline_always, reason = "what is not inlined is compiled for the oldest machine")]

use std::ops::Range;

use candle_core::Tensor;
use faer::Accum;

use super::parameters::{Attention, Suffixes};
use crate::{
    error::Result,
    model::{
        kernels::{
            Rows, Vectorised, for_each, multiply, values,
            vector::{LANES, add_scaled, exponentiate, largest, tanh},
            vectorised,
        },
        packed::Span,
    },
};

/// Value mixes of `query` `[rows, H · head_dim]`, in the same layout.
pub(super) fn mix(attention: &Attention, query: &Tensor, suffixes: &Suffixes<'_>) -> Result<Tensor> {
    let query = query.contiguous()?;
    let prefix = suffixes.prefix;
    let seen = prefix.map_or(Ok(0), |prefix| prefix.key.dim(0))?;
    let (query_values, key, value) = (values(&query)?, values(&suffixes.own.key)?, values(&suffixes.own.value)?);
    let prefix_key = prefix.map(|prefix| values(&prefix.key)).transpose()?;
    let prefix_value = prefix.map(|prefix| values(&prefix.value)).transpose()?;
    let inputs = Inputs {
        attention,
        seen,
        query: &query_values,
        key: &key,
        value: &value,
        prefix_key: prefix_key.as_deref().unwrap_or_default(),
        prefix_value: prefix_value.as_deref().unwrap_or_default(),
    };
    let mut mixed = vec![0.0; query_values.len()];
    let blocks = blocks(attention, suffixes);
    let mut rest = &mut mixed[..];
    let mut jobs = Vec::with_capacity(blocks.len());
    for block in &blocks {
        let (own, others) = rest.split_at_mut(block.rows() * attention.heads * attention.head_dim);
        rest = others;
        jobs.push((block, own));
    }
    for_each(jobs, |(block, mixed)| inputs.run(block, mixed));
    Ok(Tensor::from_vec(mixed, query.shape(), query.device())?)
}

/// Consecutive asking tokens of one prompt.
struct Segment {
    /// The prompt's own tokens.
    span: Span,
    /// Those that ask, counted from the first of its own.
    asking: Range<usize>,
}

/// Asking tokens that are computed together.
struct Block {
    /// First of their rows.
    first: usize,
    segments: Vec<Segment>,
}

impl Block {
    fn rows(&self) -> usize {
        self.segments.iter().map(|segment| segment.asking.len()).sum()
    }
}

/// Rows of a product with the prefix, at most about.
const BLOCK: usize = 128;

/// Cuts the asking tokens into blocks.
fn blocks(attention: &Attention, suffixes: &Suffixes<'_>) -> Vec<Block> {
    let most = (BLOCK / attention.group()).max(1);
    let mut blocks: Vec<Block> = Vec::new();
    let (mut row, mut room) = (0, 0);
    for span in suffixes.packed.spans() {
        let mut asking = if suffixes.last_only { span.len - 1..span.len } else { 0..span.len };
        while !asking.is_empty() {
            if room == 0 {
                blocks.push(Block { first: row, segments: Vec::new() });
                room = most;
            }
            let end = asking.end.min(asking.start + room);
            let segment = Segment { span, asking: asking.start..end };
            (row, room, asking.start) = (row + segment.asking.len(), room - segment.asking.len(), end);
            if let Some(block) = blocks.last_mut() {
                block.segments.push(segment);
            }
        }
    }
    blocks
}

/// What all blocks read. Tokens lie row by row, key/value heads side by side.
struct Inputs<'a> {
    attention: &'a Attention,
    /// Prefix tokens.
    seen: usize,
    query: &'a [f32],
    key: &'a [f32],
    value: &'a [f32],
    prefix_key: &'a [f32],
    prefix_value: &'a [f32],
}

impl Inputs<'_> {
    fn run(&self, block: &Block, mixed: &mut [f32]) {
        let longest = block.segments.iter().map(|segment| segment.asking.end).max().unwrap_or(0);
        let rows = block.rows() * self.attention.group();
        let stride = (self.seen + longest.next_multiple_of(LANES)).next_multiple_of(LANES);
        let head_dim = self.attention.head_dim;
        let mut work = Work {
            query: vec![0.0; rows * head_dim],
            scores: vec![0.0; rows * stride],
            stride,
            keys: vec![0.0; longest.next_multiple_of(LANES) * head_dim],
            mixed: vec![0.0; rows * head_dim],
            totals: vec![0.0; rows],
        };
        for kv_head in 0..self.attention.kv_heads {
            let head = Head { inputs: self, kv_head };
            head.gather(block, &mut work);
            head.against_prefix(rows, &mut work);
            vectorised(OwnTokens { head: &head, block, work: &mut work });
            head.prefix_values(rows, &mut work);
            head.scatter(block, &work, mixed);
        }
    }

    /// Numbers of one token over all key/value heads.
    const fn width(&self) -> usize {
        self.attention.kv_heads * self.attention.head_dim
    }
}

/// Scratch memory of one block; rows are tokens, and for each the queries that share the key/value head.
struct Work {
    /// `[rows, head_dim]`, scaled.
    query: Vec<f32>,
    /// `[rows, stride]`: scores against the prefix, then those against own tokens; becomes unnormalised weights.
    scores: Vec<f32>,
    stride: usize,
    /// Own keys of one prompt, `[tokens / LANES, head_dim, LANES]`.
    keys: Vec<f32>,
    /// `[rows, head_dim]`.
    mixed: Vec<f32>,
    /// What weights of a row add up to.
    totals: Vec<f32>,
}

/// One key/value head.
struct Head<'a> {
    inputs: &'a Inputs<'a>,
    kv_head: usize,
}

impl Head<'_> {
    /// Where the queries of one token that share this head lie in a row of all heads.
    fn queries(&self) -> Range<usize> {
        let width = self.inputs.attention.group() * self.inputs.attention.head_dim;
        self.kv_head * width..(self.kv_head + 1) * width
    }

    /// Where this head lies in a token's keys or values.
    fn place(&self) -> usize {
        self.kv_head * self.inputs.attention.head_dim
    }

    fn gather(&self, block: &Block, work: &mut Work) {
        let (queries, scale) = (self.queries(), self.inputs.attention.scale as f32);
        let width = self.inputs.attention.heads * self.inputs.attention.head_dim;
        let rows = self.inputs.query[block.first * width..].chunks_exact(width);
        for (to, from) in work.query.chunks_exact_mut(queries.len()).zip(rows) {
            for (to, from) in to.iter_mut().zip(&from[queries.clone()]) {
                *to = from * scale;
            }
        }
    }

    fn against_prefix(&self, rows: usize, work: &mut Work) {
        let Inputs { attention, seen, prefix_key, .. } = *self.inputs;
        if seen == 0 {
            return;
        }
        let query = Rows::packed(&work.query, rows, attention.head_dim);
        multiply(&mut work.scores, work.stride, query, self.prefix(prefix_key).transposed(), Accum::Replace);
    }

    fn prefix_values(&self, rows: usize, work: &mut Work) {
        let Inputs { attention, seen, prefix_value, .. } = *self.inputs;
        if seen == 0 {
            return;
        }
        let weights = Rows { values: &work.scores, count: rows, columns: seen, stride: work.stride };
        multiply(&mut work.mixed, attention.head_dim, weights, self.prefix(prefix_value).matrix(), Accum::Add);
    }

    /// This head's part of the prefix's keys or values, `[seen, head_dim]`.
    fn prefix<'v>(&self, values: &'v [f32]) -> Rows<'v> {
        let (count, columns, stride) = (self.inputs.seen, self.inputs.attention.head_dim, self.inputs.width());
        Rows { values: &values[self.place()..], count, columns, stride }
    }

    fn scatter(&self, block: &Block, work: &Work, mixed: &mut [f32]) {
        let (queries, head_dim) = (self.queries(), self.inputs.attention.head_dim);
        let width = self.inputs.attention.heads * head_dim;
        debug_assert_eq!(mixed.len(), block.rows() * width);
        let heads = mixed.chunks_exact_mut(width).flat_map(|row| row[queries.clone()].chunks_exact_mut(head_dim));
        for ((to, from), total) in heads.zip(work.mixed.chunks_exact(head_dim)).zip(&work.totals) {
            let scale = 1.0 / total;
            for (to, from) in to.iter_mut().zip(from) {
                *to = from * scale;
            }
        }
    }

    /// Softmax and own values of all rows.
    #[inline(always)]
    fn own_tokens<const FUSED: bool>(&self, block: &Block, work: &mut Work) {
        let group = self.inputs.attention.group();
        let mut row = 0;
        for segment in &block.segments {
            self.turn_keys(segment, &mut work.keys);
            for token in segment.asking.clone() {
                for _ in 0..group {
                    self.row::<FUSED>(segment, token, row, work);
                    row += 1;
                }
            }
        }
    }

    /// Own keys up to the last token that asks, [`LANES`] tokens at a time, one dimension after the other.
    #[inline(always)]
    fn turn_keys(&self, segment: &Segment, keys: &mut [f32]) {
        let (head_dim, width) = (self.inputs.attention.head_dim, self.inputs.width());
        for token in 0..segment.asking.end {
            let at = (segment.span.at + token) * width + self.place();
            let keys = &mut keys[token / LANES * LANES * head_dim + token % LANES..];
            for (dimension, &value) in self.inputs.key[at..at + head_dim].iter().enumerate() {
                keys[dimension * LANES] = value;
            }
        }
    }

    /// Softmax of one row, and what it takes from own values.
    #[inline(always)]
    fn row<const FUSED: bool>(&self, segment: &Segment, token: usize, row: usize, work: &mut Work) {
        let Inputs { attention, seen, value, .. } = *self.inputs;
        let head_dim = attention.head_dim;
        let window = attention.window.unwrap_or(usize::MAX);
        let visible = (token + 1).saturating_sub(window);
        let hidden = (seen + token + 1).saturating_sub(window).min(seen);
        let query = &work.query[row * head_dim..(row + 1) * head_dim];
        let scores = &mut work.scores[row * work.stride..(row + 1) * work.stride];
        let (prefix, own) = scores.split_at_mut(seen);
        dot_all::<FUSED>(query, &work.keys, &mut own[..(token + 1).next_multiple_of(LANES)]);
        if let Some(cap) = attention.softcap {
            let cap = cap as f32;
            prefix.iter_mut().chain(&mut own[..=token]).for_each(|score| *score = cap * tanh::<FUSED>(*score / cap));
        }
        let padded = (seen + token + 1).next_multiple_of(LANES);
        scores[seen + token + 1..padded].fill(f32::NEG_INFINITY);
        scores[..hidden].fill(f32::NEG_INFINITY);
        scores[seen..seen + visible].fill(f32::NEG_INFINITY);
        let peak = largest(&scores[..padded]);
        work.totals[row] = exponentiate::<FUSED>(&mut scores[..padded], peak);
        scores[..hidden].fill(0.0);
        let mixed = &mut work.mixed[row * head_dim..(row + 1) * head_dim];
        let values = &value[(segment.span.at + visible) * self.inputs.width() + self.place()..];
        weigh::<FUSED>(&scores[seen + visible..=seen + token], values, self.inputs.width(), mixed);
    }
}

/// [`Head::own_tokens`] of one head.
struct OwnTokens<'a> {
    head: &'a Head<'a>,
    block: &'a Block,
    work: &'a mut Work,
}

impl Vectorised for OwnTokens<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        self.head.own_tokens::<FUSED>(self.block, self.work);
    }
}

/// Scores of `query` against as many `keys`, `[LANES]` tokens at a time `[head_dim, LANES]`, as `scores` holds.
#[inline(always)]
fn dot_all<const FUSED: bool>(query: &[f32], keys: &[f32], scores: &mut [f32]) {
    for (scores, keys) in scores.chunks_exact_mut(LANES).zip(keys.chunks_exact(LANES * query.len())) {
        let (mut even, mut odd) = ([0.0; LANES], [0.0; LANES]);
        for (query, keys) in query.chunks(2).zip(keys.chunks(2 * LANES)) {
            even = add_scaled::<FUSED>(query[0], keys, even);
            if let Some(&query) = query.get(1) {
                odd = add_scaled::<FUSED>(query, &keys[LANES..], odd);
            }
        }
        for ((score, even), odd) in scores.iter_mut().zip(even).zip(odd) {
            *score = even + odd;
        }
    }
}

/// Adds up `values`, whose rows are `stride` apart, by `weights`, into `mixed`.
#[inline(always)]
fn weigh<const FUSED: bool>(weights: &[f32], values: &[f32], stride: usize, mixed: &mut [f32]) {
    for (at, mixed) in mixed.chunks_mut(LANES).enumerate() {
        let values = &values[at * LANES..];
        if mixed.len() < LANES {
            for (lane, mixed) in mixed.iter_mut().enumerate() {
                let each = weights.iter().enumerate().map(|(token, weight)| weight * values[token * stride + lane]);
                *mixed = each.sum();
            }
            continue;
        }
        let (mut even, mut odd) = ([0.0; LANES], [0.0; LANES]);
        for (weights, values) in weights.chunks(2).zip(values.chunks(2 * stride)) {
            even = add_scaled::<FUSED>(weights[0], values, even);
            if let Some(&weight) = weights.get(1) {
                odd = add_scaled::<FUSED>(weight, &values[stride..], odd);
            }
        }
        for ((mixed, even), odd) in mixed.iter_mut().zip(even).zip(odd) {
            *mixed = even + odd;
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::{super::grouped, *};
    use crate::model::{attention::KvCache, layers::Linear, matrix::Matrix, packed::Packed, rope::Regime};

    fn random(shape: &[usize]) -> Tensor {
        Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap()
    }

    fn attention(heads: usize, window: Option<usize>, softcap: Option<f64>) -> Attention {
        let weight = Matrix::Dense(Tensor::zeros((1, 1), DType::F32, &Device::Cpu).unwrap());
        let nothing = Linear { weight, bias: None };
        Attention {
            heads,
            kv_heads: 2,
            head_dim: 20,
            query: nothing.clone(),
            key: nothing.clone(),
            value: nothing.clone(),
            output: nothing,
            query_key_norm: None,
            scale: 0.3,
            softcap,
            window,
        }
    }

    #[test]
    fn the_fused_kernel_equals_tensor_operations() {
        let tokens: Vec<Vec<u32>> = [1, 7, 150, 3].iter().map(|&len| vec![0; len]).collect();
        let total = 161;
        for (seen, heads, window, softcap) in [
            (0, 6, None, None),
            (33, 6, None, None),
            (33, 2, Some(5), None),
            (33, 8, Some(38), Some(2.0)),
            (0, 6, Some(4), None),
        ] {
            let attention = attention(heads, window, softcap);
            let packed = Packed::new(tokens.iter().map(Vec::as_slice), seen, Regime::Short);
            let key_value = |tokens| KvCache { key: random(&[tokens, 40]), value: random(&[tokens, 40]) };
            let (prefix, own) = ((seen > 0).then(|| key_value(seen)), key_value(total));
            for last_only in [false, true] {
                let query = random(&[if last_only { tokens.len() } else { total }, heads * 20]);
                let suffixes = Suffixes { packed: &packed, prefix: prefix.as_ref(), own: &own, last_only };
                let found = mix(&attention, &query, &suffixes).unwrap();
                let expected = grouped::mix(&attention, &query, &suffixes).unwrap();
                let error = (found - expected).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
                assert!(error < 1e-5, "{seen} {window:?} {softcap:?} {last_only}: {error}");
            }
        }
    }
}
