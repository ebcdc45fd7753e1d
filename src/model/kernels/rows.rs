//! Row-wise kernels: norms, activations, rotary embedding, sums.

#![allow(clippy::inline_always, reason = "without inlining, functions are compiled for the baseline instruction set")]

use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor};

use super::{
    dispatch::{PerRow, each_row},
    values::values,
    vector::{gelu_erf, gelu_tanh, silu, sum_of},
};
use crate::{
    error::Result,
    model::functions::{Activation, NormKind},
};

/// Normalises each of `groups` equal parts of every row of `x`, multiplies the row by `weight` and adds `bias`; a row is
/// as wide as `weight`.
pub(in crate::model) fn normalise(
    (kind, groups): (NormKind, usize),
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    epsilon: f32,
) -> Result<Tensor> {
    let x = x.contiguous()?;
    let (input, weight, bias) = (values(&x)?, values(weight)?, bias.map(values).transpose()?);
    let mut out = vec![0.0; input.len()];
    let kernel = Normalised { kind, groups, input: &input, weight: &weight, bias: bias.as_deref(), epsilon };
    each_row(&kernel, &mut out, weight.len());
    Ok(Tensor::from_vec(out, x.shape(), x.device())?)
}

struct Normalised<'a> {
    kind: NormKind,
    groups: usize,
    input: &'a [f32],
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    epsilon: f32,
}

impl PerRow for Normalised<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(&self, index: usize, out: &mut [f32]) {
        let width = self.weight.len();
        let row = &self.input[index * width..(index + 1) * width];
        let each = width / self.groups;
        let parts = out.chunks_exact_mut(each).zip(row.chunks_exact(each)).zip(self.weight.chunks_exact(each));
        for ((out, x), weight) in parts {
            let mean = match self.kind {
                NormKind::Rms => 0.0,
                NormKind::Layer => sum_of(x, |x| x) / each as f32,
            };
            let square = sum_of(x, |x| (x - mean) * (x - mean)) / each as f32;
            let scale = 1.0 / (square + self.epsilon).sqrt();
            for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
                *out = (x - mean) * scale * weight;
            }
        }
        for (out, bias) in out.iter_mut().zip(self.bias.unwrap_or_default()) {
            *out += bias;
        }
    }
}

/// Computes `a + b` for tensors of equal shape.
pub(in crate::model) fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (a, b) = (a.contiguous()?, b.contiguous()?);
    let mut out = vec![0.0; a.elem_count()];
    let width = a.dims().last().copied().unwrap_or(1);
    each_row(&Sum { a: &values(&a)?, b: &values(&b)? }, &mut out, width);
    Ok(Tensor::from_vec(out, a.shape(), a.device())?)
}

struct Sum<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl PerRow for Sum<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(&self, index: usize, out: &mut [f32]) {
        let row = index * out.len()..(index + 1) * out.len();
        for ((out, a), b) in out.iter_mut().zip(&self.a[row.clone()]).zip(&self.b[row]) {
            *out = a + b;
        }
    }
}

/// Replaces `x` in place by `activation(x)`, or by `activation(x) · up`; `x` must not share its storage.
pub(in crate::model) fn activate(activation: Activation, x: &Tensor, up: Option<&Tensor>) -> Result<()> {
    let up = up.map(values).transpose()?;
    let up = up.as_deref();
    match activation {
        Activation::Silu => in_place(x, Activated { map: Silu, up }),
        Activation::GeluTanh => in_place(x, Activated { map: GeluTanh, up }),
        Activation::GeluErf => in_place(x, Activated { map: GeluErf, up }),
        Activation::Relu => in_place(x, Activated { map: Relu, up }),
        Activation::Clamped { alpha, limit } => in_place(x, Activated { map: Clamped { alpha, limit }, up }),
    }
}

/// A function of one number.
trait Map: Sync {
    fn apply<const FUSED: bool>(&self, x: f32) -> f32;

    /// Combines a gate `x` with the other input.
    #[inline(always)]
    fn gate<const FUSED: bool>(&self, x: f32, up: f32) -> f32 {
        self.apply::<FUSED>(x) * up
    }
}

struct Silu;
struct GeluTanh;
struct GeluErf;
struct Relu;
struct Clamped {
    alpha: f32,
    limit: f32,
}

impl Map for Silu {
    #[inline(always)]
    fn apply<const FUSED: bool>(&self, x: f32) -> f32 {
        silu::<FUSED>(x)
    }
}

impl Map for GeluTanh {
    #[inline(always)]
    fn apply<const FUSED: bool>(&self, x: f32) -> f32 {
        gelu_tanh::<FUSED>(x)
    }
}

impl Map for GeluErf {
    #[inline(always)]
    fn apply<const FUSED: bool>(&self, x: f32) -> f32 {
        gelu_erf::<FUSED>(x)
    }
}

impl Map for Relu {
    #[inline(always)]
    fn apply<const FUSED: bool>(&self, x: f32) -> f32 {
        x.max(0.0)
    }
}

impl Map for Clamped {
    #[inline(always)]
    fn apply<const FUSED: bool>(&self, x: f32) -> f32 {
        silu::<FUSED>(x.min(self.limit) * self.alpha) / self.alpha
    }

    #[inline(always)]
    fn gate<const FUSED: bool>(&self, x: f32, up: f32) -> f32 {
        self.apply::<FUSED>(x) * (up.clamp(-self.limit, self.limit) + 1.0)
    }
}

struct Activated<'a, M> {
    map: M,
    up: Option<&'a [f32]>,
}

impl<M: Map> PerRow for Activated<'_, M> {
    #[inline(always)]
    fn run<const FUSED: bool>(&self, index: usize, out: &mut [f32]) {
        match self.up {
            Some(up) => {
                let up = &up[index * out.len()..(index + 1) * out.len()];
                for (x, up) in out.iter_mut().zip(up) {
                    *x = self.map.gate::<FUSED>(*x, *up);
                }
            }
            None => {
                for x in out {
                    *x = self.map.apply::<FUSED>(*x);
                }
            }
        }
    }
}

/// Rotates every head of `x` `[n, heads · head_dim]` in place by `cos` and `sin` `[n, pairs]`: dimension `i` is paired
/// with `i + pairs`. `x` must not share its storage.
pub(in crate::model) fn rotate(x: &Tensor, head_dim: usize, cos: &Tensor, sin: &Tensor) -> Result<()> {
    let pairs = cos.dim(1)?;
    let (cos, sin) = (values(cos)?, values(sin)?);
    in_place(x, Rotated { head_dim, pairs, cos: &cos, sin: &sin })
}

struct Rotated<'a> {
    head_dim: usize,
    pairs: usize,
    cos: &'a [f32],
    sin: &'a [f32],
}

impl PerRow for Rotated<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(&self, index: usize, out: &mut [f32]) {
        let row = index * self.pairs..(index + 1) * self.pairs;
        let (cos, sin) = (&self.cos[row.clone()], &self.sin[row]);
        for head in out.chunks_exact_mut(self.head_dim) {
            let (first, second) = head.split_at_mut(self.pairs);
            for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
            }
        }
    }
}

/// Runs `kernel` in place over the rows of `x`.
fn in_place(x: &Tensor, kernel: impl PerRow) -> Result<()> {
    let width = x.dims().last().copied().unwrap_or(1);
    Ok(x.inplace_op1(&InPlace { kernel, width })?)
}

struct InPlace<K> {
    kernel: K,
    width: usize,
}

impl<K: PerRow> InplaceOp1 for InPlace<K> {
    fn name(&self) -> &'static str {
        "row-wise map"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            candle_core::bail!("a row-wise map needs contiguous rows");
        };
        let CpuStorage::F32(values) = storage else {
            candle_core::bail!("a row-wise map needs f32 values");
        };
        each_row(&self.kernel, &mut values[start..end], self.width);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn random(shape: &[usize]) -> Tensor {
        Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap()
    }

    fn assert_close(actual: &Tensor, expected: &Tensor) {
        let error = (actual - expected).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(error < 5e-6, "{error}");
    }

    #[test]
    fn norms_equal_candle() {
        let (x, weight, bias) = (random(&[700, 37]), random(&[37]), random(&[37]));
        let rms = candle_nn::ops::rms_norm(&x, &weight, 1e-5).unwrap();
        assert_close(&normalise((NormKind::Rms, 1), &x, &weight, None, 1e-5).unwrap(), &rms);
        let layer = candle_nn::ops::layer_norm(&x, &weight, &bias, 1e-5).unwrap();
        assert_close(&normalise((NormKind::Layer, 1), &x, &weight, Some(&bias), 1e-5).unwrap(), &layer);
    }

    #[test]
    fn activations_and_sums_equal_candle() {
        let (x, up) = (random(&[500, 65]), random(&[500, 65]));
        let gated = x.copy().unwrap();
        activate(Activation::Silu, &gated, Some(&up)).unwrap();
        assert_close(&gated, &(x.silu().unwrap() * &up).unwrap());
        let plain = x.copy().unwrap();
        activate(Activation::GeluErf, &plain, None).unwrap();
        assert_close(&plain, &x.gelu_erf().unwrap());
        assert_close(&add(&x, &up).unwrap(), &(x + up).unwrap());
    }

    #[test]
    fn rotation_equals_candle() {
        let (x, cos, sin) = (random(&[30, 3 * 8]), random(&[30, 4]), random(&[30, 4]));
        let expected = candle_nn::rotary_emb::rope_thd(&x.reshape((1, 30, 3, 8)).unwrap(), &cos, &sin).unwrap();
        rotate(&x, 8, &cos, &sin).unwrap();
        assert_close(&x, &expected.reshape((30, 24)).unwrap());
    }
}
