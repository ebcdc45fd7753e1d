//! Fused attention for the CPU.
//!
//! Queries are computed in blocks. Per key/value head, one matrix product gives a block's scores against the shared
//! prefix. One pass over each row then adds the scores against the prompt's own tokens, takes the softmax over both and
//! adds up the own values. A second product adds the prefix's values.
//!
//! A row's result depends on that row alone, so blocks and threads do not change the bytes.

#![allow(clippy::inline_always, reason = "functions that are not inlined are compiled for the oldest CPU")]

use std::ops::Range;

use candle_core::Tensor;
use faer::Accum;

use super::parameters::{Attention, Suffixes};
use crate::{
    error::Result,
    model::{
        kernels::{
            Rows, Vectorised, for_each, multiply, values,
            vector::{LANES, add_scaled, exp, exponentiate, largest, tanh},
            vectorised,
        },
        packed::Span,
    },
};

/// Computes the value mixes of `query` `[rows, H · head_dim]`, in the same layout.
pub(super) fn mix(attention: &Attention, query: &Tensor, suffixes: &Suffixes<'_>) -> Result<Tensor> {
    let query = query.contiguous()?;
    let prefix = suffixes.prefix;
    let prefix_len = prefix.map_or(Ok(0), |prefix| prefix.key.dim(0))?;
    let (query_values, key, value) = (values(&query)?, values(&suffixes.own.key)?, values(&suffixes.own.value)?);
    let prefix_key = prefix.map(|prefix| values(&prefix.key)).transpose()?;
    let prefix_value = prefix.map(|prefix| values(&prefix.value)).transpose()?;
    let inputs = Inputs {
        attention,
        prefix_len,
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

/// Consecutive query tokens of one prompt.
struct Segment {
    /// The prompt's own tokens.
    span: Span,
    /// Query tokens, as positions in `span`.
    queries: Range<usize>,
}

/// Query tokens that are computed together.
struct Block {
    /// First query row.
    first: usize,
    segments: Vec<Segment>,
}

impl Block {
    fn rows(&self) -> usize {
        self.segments.iter().map(|segment| segment.queries.len()).sum()
    }
}

/// Approximate maximum of rows in one product with the prefix.
const BLOCK: usize = 128;

/// Splits the query tokens into blocks.
fn blocks(attention: &Attention, suffixes: &Suffixes<'_>) -> Vec<Block> {
    let most = (BLOCK / attention.group()).max(1);
    let mut blocks: Vec<Block> = Vec::new();
    let (mut row, mut room) = (0, 0);
    for span in suffixes.packed.spans() {
        let mut queries = if suffixes.last_only { span.len - 1..span.len } else { 0..span.len };
        while !queries.is_empty() {
            if room == 0 {
                blocks.push(Block { first: row, segments: Vec::new() });
                room = most;
            }
            let end = queries.end.min(queries.start + room);
            let segment = Segment { span, queries: queries.start..end };
            (row, room, queries.start) = (row + segment.queries.len(), room - segment.queries.len(), end);
            if let Some(block) = blocks.last_mut() {
                block.segments.push(segment);
            }
        }
    }
    blocks
}

/// Inputs of all blocks: one row per token, with the heads side by side.
struct Inputs<'a> {
    attention: &'a Attention,
    /// Number of prefix tokens.
    prefix_len: usize,
    query: &'a [f32],
    key: &'a [f32],
    value: &'a [f32],
    prefix_key: &'a [f32],
    prefix_value: &'a [f32],
}

impl Inputs<'_> {
    /// Computes the value mixes of `block` into `mixed`, its rows of the output.
    fn run(&self, block: &Block, mixed: &mut [f32]) {
        let longest = block.segments.iter().map(|segment| segment.queries.end).max().unwrap_or(0);
        let rows = block.rows() * self.attention.group();
        let stride = (self.prefix_len + longest.next_multiple_of(LANES)).next_multiple_of(LANES);
        let head_dim = self.attention.head_dim;
        let mut work = Work {
            query: vec![0.0; rows * head_dim],
            biases: Vec::new(),
            scores: vec![0.0; rows * stride],
            stride,
            keys: vec![0.0; longest.next_multiple_of(LANES) * head_dim],
            mixed: vec![0.0; rows * head_dim],
            totals: vec![0.0; rows],
        };
        for kv_head in 0..self.attention.kv_heads {
            let head = Head { inputs: self, kv_head };
            head.gather(block, &mut work);
            head.position_biases(longest, &mut work);
            head.prefix_scores(rows, &mut work);
            vectorised(OwnTokens { head: &head, block, work: &mut work });
            head.prefix_values(rows, &mut work);
            head.scatter(block, &work, mixed);
        }
    }

    /// Returns the width of a token's keys or values over all key/value heads.
    const fn width(&self) -> usize {
        self.attention.kv_heads * self.attention.head_dim
    }
}

/// Scratch memory of one block. Each query token has one row per query head that shares the key/value head.
struct Work {
    /// Scaled queries `[rows, head_dim]`.
    query: Vec<f32>,
    /// Position biases of the query heads that share the key/value head, `[group, stride]`; empty without biases.
    biases: Vec<f32>,
    /// `[rows, stride]`: scores against the prefix, then those against own tokens; later unnormalised weights.
    scores: Vec<f32>,
    stride: usize,
    /// Own keys of one prompt, `[tokens / LANES, head_dim, LANES]`.
    keys: Vec<f32>,
    /// Value mixes `[rows, head_dim]`.
    mixed: Vec<f32>,
    /// Sum of the weights of each row.
    totals: Vec<f32>,
}

/// One key/value head.
struct Head<'a> {
    inputs: &'a Inputs<'a>,
    kv_head: usize,
}

impl Head<'_> {
    /// Returns the columns of the queries that share this head, in a row of all query heads.
    fn query_columns(&self) -> Range<usize> {
        let width = self.inputs.attention.group() * self.inputs.attention.head_dim;
        self.kv_head * width..(self.kv_head + 1) * width
    }

    /// Returns the first column of this head in a token's keys or values.
    fn offset(&self) -> usize {
        self.kv_head * self.inputs.attention.head_dim
    }

    /// Copies the scaled queries of this head to `work.query`.
    fn gather(&self, block: &Block, work: &mut Work) {
        let (queries, scale) = (self.query_columns(), self.inputs.attention.scale as f32);
        let width = self.inputs.attention.heads * self.inputs.attention.head_dim;
        let rows = self.inputs.query[block.first * width..].chunks_exact(width);
        for (to, from) in work.query.chunks_exact_mut(queries.len()).zip(rows) {
            for (to, from) in to.iter_mut().zip(&from[queries.clone()]) {
                *to = from * scale;
            }
        }
    }

    /// Fills `work.biases` for keys of the prefix and of `longest` own tokens.
    fn position_biases(&self, longest: usize, work: &mut Work) {
        let Inputs { attention, prefix_len, .. } = *self.inputs;
        let Some(bias) = &attention.position_bias else { return };
        work.biases.clear();
        for head in 0..attention.group() {
            work.biases.extend(bias.values(self.kv_head * attention.group() + head, 0..prefix_len + longest));
            work.biases.resize((head + 1) * work.stride, 0.0);
        }
    }

    /// Computes the scores against the prefix.
    fn prefix_scores(&self, rows: usize, work: &mut Work) {
        let Inputs { attention, prefix_len, prefix_key, .. } = *self.inputs;
        if prefix_len == 0 {
            return;
        }
        let query = Rows::packed(&work.query, rows, attention.head_dim);
        multiply(&mut work.scores, work.stride, query, self.prefix(prefix_key).transposed(), Accum::Replace);
    }

    /// Adds the weighted values of the prefix.
    fn prefix_values(&self, rows: usize, work: &mut Work) {
        let Inputs { attention, prefix_len, prefix_value, .. } = *self.inputs;
        if prefix_len == 0 {
            return;
        }
        let weights = Rows { values: &work.scores, count: rows, columns: prefix_len, stride: work.stride };
        multiply(&mut work.mixed, attention.head_dim, weights, self.prefix(prefix_value).matrix(), Accum::Add);
    }

    /// Returns this head's keys or values of the prefix, `[prefix_len, head_dim]`.
    fn prefix<'v>(&self, values: &'v [f32]) -> Rows<'v> {
        let (count, columns, stride) = (self.inputs.prefix_len, self.inputs.attention.head_dim, self.inputs.width());
        Rows { values: &values[self.offset()..], count, columns, stride }
    }

    /// Writes the normalised value mixes of this head to `mixed`.
    fn scatter(&self, block: &Block, work: &Work, mixed: &mut [f32]) {
        let (queries, head_dim) = (self.query_columns(), self.inputs.attention.head_dim);
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

    /// Computes the weights of all rows and adds up the weighted own values.
    #[inline(always)]
    fn own_tokens<const FUSED: bool>(&self, block: &Block, work: &mut Work) {
        let group = self.inputs.attention.group();
        let mut row = 0;
        for segment in &block.segments {
            self.transpose_keys(segment, &mut work.keys);
            for token in segment.queries.clone() {
                for head in 0..group {
                    self.row::<FUSED>(segment, token, (row, head), work);
                    row += 1;
                }
            }
        }
    }

    /// Transposes the own keys up to the last query token, [`LANES`] tokens at a time, to `[head_dim, LANES]`.
    #[inline(always)]
    fn transpose_keys(&self, segment: &Segment, keys: &mut [f32]) {
        let (head_dim, width) = (self.inputs.attention.head_dim, self.inputs.width());
        for token in 0..segment.queries.end {
            let at = (segment.span.at + token) * width + self.offset();
            let keys = &mut keys[token / LANES * LANES * head_dim + token % LANES..];
            for (dimension, &value) in self.inputs.key[at..at + head_dim].iter().enumerate() {
                keys[dimension * LANES] = value;
            }
        }
    }

    /// Computes the weights of one row and its weighted own values; `head` is the query head's index in its group.
    #[inline(always)]
    fn row<const FUSED: bool>(&self, segment: &Segment, token: usize, (row, head): (usize, usize), work: &mut Work) {
        let Inputs { attention, prefix_len, value, .. } = *self.inputs;
        let head_dim = attention.head_dim;
        let window = attention.window.unwrap_or(usize::MAX);
        let visible = (token + 1).saturating_sub(window);
        let hidden = (prefix_len + token + 1).saturating_sub(window).min(prefix_len);
        let query = &work.query[row * head_dim..(row + 1) * head_dim];
        let scores = &mut work.scores[row * work.stride..(row + 1) * work.stride];
        let (prefix, own) = scores.split_at_mut(prefix_len);
        dot_all::<FUSED>(query, &work.keys, &mut own[..(token + 1).next_multiple_of(LANES)]);
        if let Some(cap) = attention.softcap {
            let cap = cap as f32;
            prefix.iter_mut().chain(&mut own[..=token]).for_each(|score| *score = cap * tanh::<FUSED>(*score / cap));
        }
        if !work.biases.is_empty() {
            let biases = &work.biases[head * work.stride..=head * work.stride + prefix_len + token];
            scores.iter_mut().zip(biases).for_each(|(score, bias)| *score += bias);
        }
        let padded = (prefix_len + token + 1).next_multiple_of(LANES);
        scores[prefix_len + token + 1..padded].fill(f32::NEG_INFINITY);
        scores[..hidden].fill(f32::NEG_INFINITY);
        scores[prefix_len..prefix_len + visible].fill(f32::NEG_INFINITY);
        let sink = attention.sinks.as_ref().map(|sinks| sinks[self.kv_head * attention.group() + head]);
        let peak = largest(&scores[..padded]).max(sink.unwrap_or(f32::NEG_INFINITY));
        work.totals[row] = exponentiate::<FUSED>(&mut scores[..padded], peak);
        if let Some(sink) = sink {
            work.totals[row] += exp::<FUSED>(sink - peak);
        }
        scores[..hidden].fill(0.0);
        let mixed = &mut work.mixed[row * head_dim..(row + 1) * head_dim];
        let values = &value[(segment.span.at + visible) * self.inputs.width() + self.offset()..];
        add_weighted::<FUSED>(&scores[prefix_len + visible..=prefix_len + token], values, self.inputs.width(), mixed);
    }
}

/// Call of [`Head::own_tokens`], compiled for each instruction set.
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

/// Fills `scores` with the products of `query` and `keys`, stored as `[head_dim, LANES]` per [`LANES`] tokens.
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

/// Writes the sum of the rows of `values`, weighted by `weights`, to `mixed`; rows are `stride` apart.
#[inline(always)]
fn add_weighted<const FUSED: bool>(weights: &[f32], values: &[f32], stride: usize, mixed: &mut [f32]) {
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
mod tests;
