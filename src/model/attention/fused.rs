//! Attention on the CPU in three steps: all queries against the shared prefix as one matrix product per key/value head,
//! one pass over each prompt's own tokens that also takes the softmax over both parts, and the prefix's values as one
//! product again.
//!
//! Every row is computed by one thread in one order, so results depend neither on the number of threads nor on which
//! prompts share a batch. Everything below is inlined into the one place that picks vector instructions at run time.

#![allow(clippy::inline_always, reason = "what is not inlined there is compiled for the oldest machine")]

use candle_core::{CpuStorage, Storage, Tensor};
use rayon::prelude::*;

use super::{Attention, KeyValue, Suffixes};
use crate::{
    error::{Error, Result},
    model::packed::Span,
};

/// Value mixes of `query` `[kv_heads, rows · group, head_dim]`, in the same layout.
pub(super) fn mix(attention: &Attention, query: &Tensor, suffixes: &Suffixes<'_>) -> Result<Tensor> {
    let (kv_heads, rows, head_dim) = query.dims3()?;
    let seen = suffixes.prefix.map_or(Ok(0), |prefix| prefix.key.dim(1))?;
    let mut pattern = match suffixes.prefix {
        Some(prefix) => values(&query.matmul(&prefix.key.transpose(1, 2)?)?)?,
        None => Vec::new(),
    };
    let mut mixed = vec![0.0; kv_heads * rows * head_dim];
    let own = Own::new(attention, query, suffixes)?;
    let mut jobs = jobs(attention, suffixes, &mut pattern, &mut mixed, seen);
    let simd = pulp::Arch::new();
    jobs.par_iter_mut().for_each(|job| simd.dispatch(|| job.run(&own)));
    let mixed = Tensor::from_vec(mixed, (kv_heads, rows, head_dim), query.device())?;
    Ok(match suffixes.prefix {
        Some(KeyValue { value, .. }) => {
            (Tensor::from_vec(pattern, (kv_heads, rows, seen), query.device())?.matmul(value)? + mixed)?
        }
        None => mixed,
    })
}

/// What all jobs read.
struct Own {
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    /// Rows of `query` and of `key` per key/value head.
    query_rows: usize,
    key_rows: usize,
    head_dim: usize,
    group: usize,
    softcap: Option<f32>,
    window: usize,
    last_only: bool,
}

impl Own {
    fn new(attention: &Attention, query: &Tensor, suffixes: &Suffixes<'_>) -> Result<Self> {
        Ok(Self {
            query_rows: query.dim(1)?,
            key_rows: suffixes.own.key.dim(1)?,
            query: values(query)?,
            key: values(&suffixes.own.key)?,
            value: values(&suffixes.own.value)?,
            head_dim: attention.head_dim,
            group: attention.heads / attention.kv_heads,
            softcap: attention.softcap.map(|cap| cap as f32),
            window: attention.window.unwrap_or(usize::MAX),
            last_only: suffixes.last_only,
        })
    }
}

/// One prompt under one key/value head.
struct Job<'a> {
    kv_head: usize,
    /// Its own tokens.
    span: Span,
    /// First of its query rows.
    first: usize,
    /// Prefix tokens.
    seen: usize,
    /// Scores against the prefix, `[rows, seen]`; becomes the pattern.
    pattern: &'a mut [f32],
    /// `[rows, head_dim]`.
    mixed: &'a mut [f32],
}

fn jobs<'a>(
    attention: &Attention,
    suffixes: &Suffixes<'_>,
    mut pattern: &'a mut [f32],
    mut mixed: &'a mut [f32],
    seen: usize,
) -> Vec<Job<'a>> {
    let group = attention.heads / attention.kv_heads;
    let mut jobs = Vec::with_capacity(attention.kv_heads * suffixes.packed.prompts());
    for kv_head in 0..attention.kv_heads {
        for (prompt, span) in suffixes.packed.spans().enumerate() {
            let asking = if suffixes.last_only { Span { at: prompt, len: 1 } } else { span };
            let rows = asking.len * group;
            let (own_pattern, others) = std::mem::take(&mut pattern).split_at_mut(rows * seen);
            pattern = others;
            let (own_mixed, others) = std::mem::take(&mut mixed).split_at_mut(rows * attention.head_dim);
            mixed = others;
            let first = asking.at * group;
            jobs.push(Job { kv_head, span, first, seen, pattern: own_pattern, mixed: own_mixed });
        }
    }
    jobs
}

impl Job<'_> {
    #[inline(always)]
    fn run(&mut self, own: &Own) {
        let head_dim = own.head_dim;
        let tokens = |all: &[f32]| -> std::ops::Range<usize> {
            let at = (self.kv_head * own.key_rows + self.span.at) * head_dim;
            debug_assert!(at + self.span.len * head_dim <= all.len());
            at..at + self.span.len * head_dim
        };
        let (keys, values) = (&own.key[tokens(&own.key)], &own.value[tokens(&own.value)]);
        let mut scores = vec![0.0; self.span.len];
        for (row, mixed) in self.mixed.chunks_exact_mut(head_dim).enumerate() {
            let at = (self.kv_head * own.query_rows + self.first + row) * head_dim;
            let query = &own.query[at..at + head_dim];
            let token = if own.last_only { self.span.len - 1 } else { row / own.group };
            let visible = (token + 1).saturating_sub(own.window);
            let hidden = (self.seen + token + 1).saturating_sub(own.window).min(self.seen);
            let scores = &mut scores[visible..=token];
            for (score, key) in scores.iter_mut().zip(keys[visible * head_dim..].chunks_exact(head_dim)) {
                *score = dot(query, key);
            }
            let prefix = &mut self.pattern[row * self.seen..(row + 1) * self.seen];
            let (unseen, prefix) = prefix.split_at_mut(hidden);
            unseen.fill(0.0);
            softmax(prefix, scores, own.softcap);
            for (&weight, value) in scores.iter().zip(values[visible * head_dim..].chunks_exact(head_dim)) {
                for (mixed, &value) in mixed.iter_mut().zip(value) {
                    *mixed += weight * value;
                }
            }
        }
    }
}

/// Softmax over two slices as if they were one.
#[inline(always)]
fn softmax(a: &mut [f32], b: &mut [f32], softcap: Option<f32>) {
    if let Some(cap) = softcap {
        for score in a.iter_mut().chain(&mut *b) {
            *score = cap * (*score / cap).tanh();
        }
    }
    let largest = largest(a).max(largest(b));
    let total = exponentiate(a, largest) + exponentiate(b, largest);
    let scale = 1.0 / total;
    for weight in a.iter_mut().chain(b) {
        *weight *= scale;
    }
}

/// Numbers that one vector instruction handles at once, at most.
const LANES: usize = 16;

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for ((lane, x), y) in lanes.iter_mut().zip(a).zip(b) {
            *lane += x * y;
        }
    }
    sum(lanes) + tail
}

#[inline(always)]
fn sum(lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    let mut lanes = lanes;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let tail = chunks.remainder().iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = if value > *lane { value } else { *lane };
        }
    }
    lanes.iter().fold(tail, |a, &b| a.max(b))
}

/// Replaces every value `x` by `exp(x − largest)` and returns their sum.
#[inline(always)]
fn exponentiate(values: &mut [f32], largest: f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let mut chunks = values.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *value = exp(*value - largest);
            *lane += *value;
        }
    }
    let mut tail = 0.0;
    for value in chunks.into_remainder() {
        *value = exp(*value - largest);
        tail += *value;
    }
    sum(lanes) + tail
}

/// `eˣ` for `x ≤ 0`, to 2 units in the last place, in a form that compilers turn into vector instructions: the argument
/// is split into a power of two and a remainder below `ln 2 / 2`, on which a polynomial is exact to rounding (Cody &
/// Waite 1980). NaN stays NaN.
#[inline(always)]
#[allow(clippy::excessive_precision, clippy::inconsistent_digit_grouping)]
fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it leaves a whole number in the low bits
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let r = x - power * 0.693_359_375 + power * 2.121_944_4e-4;
    let p = 1.987_569_15e-4;
    let p = p * r + 1.398_199_95e-3;
    let p = p * r + 8.333_451_9e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let y = p * r * r + r + 1.0;
    y * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

/// The numbers of a CPU tensor in row-major order.
fn values(x: &Tensor) -> Result<Vec<f32>> {
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => {
            Ok(values[layout.start_offset()..layout.start_offset() + layout.shape().elem_count()].to_vec())
        }
        _ => Err(Error::Model("attention on the CPU computes in f32".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::{super::plain, *};
    use crate::model::{layers::Linear, matrix::Matrix, packed::Packed, rope::Regime};

    #[test]
    fn exp_is_exact_to_rounding() {
        for i in 0..87_000 {
            let x = -0.001 * i as f32;
            let (found, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((found - expected).abs() <= 2.5e-7 * expected, "{x}: {found} {expected}");
        }
        assert!((exp(0.0) - 1.0).abs() < f32::EPSILON);
        assert!(exp(f32::NAN).is_nan());
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
    }

    fn random(shape: &[usize]) -> Tensor {
        Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap()
    }

    fn attention(window: Option<usize>, softcap: Option<f64>) -> Attention {
        let weight = Matrix::Dense(Tensor::zeros((1, 1), DType::F32, &Device::Cpu).unwrap());
        let nothing = Linear { weight, bias: None };
        Attention {
            heads: 6,
            kv_heads: 2,
            head_dim: 20,
            query: nothing.clone(),
            key: nothing.clone(),
            value: nothing.clone(),
            output: nothing,
            query_key_norm: None,
            scale: 1.0,
            softcap,
            window,
        }
    }

    #[test]
    fn the_fused_kernel_equals_tensor_operations() {
        let tokens: Vec<Vec<u32>> = [1, 7, 40, 3].iter().map(|&len| vec![0; len]).collect();
        let total = 51;
        for (seen, window, softcap) in
            [(0, None, None), (33, None, None), (33, Some(5), None), (33, Some(38), Some(2.0)), (0, Some(4), None)]
        {
            let attention = attention(window, softcap);
            let packed = Packed::new(tokens.iter().map(Vec::as_slice), seen, Regime::Short);
            let key_value = |tokens| KeyValue { key: random(&[2, tokens, 20]), value: random(&[2, tokens, 20]) };
            let (prefix, own) = ((seen > 0).then(|| key_value(seen)), key_value(total));
            for last_only in [false, true] {
                let query = random(&[2, 3 * if last_only { tokens.len() } else { total }, 20]);
                let suffixes = Suffixes { packed: &packed, prefix: prefix.as_ref(), own: &own, last_only };
                let found = mix(&attention, &query, &suffixes).unwrap();
                let expected = plain::mix(&attention, &query, &suffixes).unwrap();
                let error = (found - expected).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
                assert!(error < 1e-5, "{seen} {window:?} {softcap:?} {last_only}: {error}");
            }
        }
    }
}
