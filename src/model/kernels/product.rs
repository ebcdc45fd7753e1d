//! Matrix products whose rows do not depend on each other, by `faer`.

use std::ops::Range;

use candle_core::{CpuStorage, DType, Storage, Tensor, quantized::QTensor};
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use half::slice::HalfFloatSliceExt;

use super::{
    q8,
    values::{serves, values},
};
use crate::error::{Error, Result};

/// Rows of a matrix, equally far apart in memory.
#[derive(Clone, Copy)]
pub(in crate::model) struct Rows<'a> {
    /// From the first number of the first row on.
    pub(in crate::model) values: &'a [f32],
    pub(in crate::model) count: usize,
    pub(in crate::model) columns: usize,
    /// From one row to the next.
    pub(in crate::model) stride: usize,
}

impl<'a> Rows<'a> {
    /// Rows that follow each other without a gap.
    pub(in crate::model) const fn packed(values: &'a [f32], count: usize, columns: usize) -> Self {
        Self { values, count, columns, stride: columns }
    }

    /// The matrix of these rows.
    pub(in crate::model) fn matrix(self) -> MatRef<'a, f32> {
        MatRef::from_row_major_slice_with_stride(self.values, self.count, self.columns, self.stride)
    }

    /// The matrix whose columns these rows are.
    pub(in crate::model) fn transposed(self) -> MatRef<'a, f32> {
        self.matrix().transpose()
    }
}

/// Products of fewer multiplications are computed by one thread.
const WORTH_SHARING: usize = 1 << 19;

/// `a · b`, in place of `out` or added to it; the rows of `out` are `stride` apart.
///
/// `faer` has kernels of their own for a single row and for results of at most 32 numbers, which add in another order.
/// Such products are computed with rows added, so that a row's result is the same in whatever company it is.
pub(in crate::model) fn multiply(out: &mut [f32], stride: usize, a: Rows<'_>, b: MatRef<'_, f32>, to: Accum) {
    let columns = b.ncols();
    if a.count == 0 || columns == 0 {
        return;
    }
    let least = (32 / columns + 1).max(2);
    if a.count >= least {
        return by_faer(out, stride, a, b, to);
    }
    let (mut wide, mut product) = (vec![0.0; least * a.columns], vec![0.0; least * columns]);
    for row in 0..a.count {
        let from = &a.values[row * a.stride..row * a.stride + a.columns];
        wide[row * a.columns..(row + 1) * a.columns].copy_from_slice(from);
        product[row * columns..(row + 1) * columns].copy_from_slice(&out[row * stride..row * stride + columns]);
    }
    by_faer(&mut product, columns, Rows::packed(&wide, least, a.columns), b, to);
    for row in 0..a.count {
        out[row * stride..row * stride + columns].copy_from_slice(&product[row * columns..(row + 1) * columns]);
    }
}

fn by_faer(out: &mut [f32], stride: usize, a: Rows<'_>, b: MatRef<'_, f32>, to: Accum) {
    let threads = rayon::current_num_threads();
    let parallel = threads > 1 && a.count * a.columns * b.ncols() >= WORTH_SHARING;
    let par = if parallel { Par::rayon(threads) } else { Par::Seq };
    // By way of its transpose: in faer 0.24.4 the constructor for rows swaps the strides.
    let out = MatMut::from_column_major_slice_with_stride_mut(out, b.ncols(), a.count, stride).transpose_mut();
    matmul(out, to, a.matrix(), b, 1.0, par);
}

/// `x Wᵀ + b` for `x` `[.., n, k]`, `w` `[.., m, k]` with the same leading dimension, if any, and `b` `[m]`: `[.., n, m]`.
///
/// On the CPU every row of the result has the same bytes whatever other rows `x` has and however many threads there are.
///
/// # Errors
/// If the shapes do not fit.
pub(crate) fn product(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    if !serves(x) {
        let (x, w) = (x.contiguous()?, w.to_dtype(DType::F32)?.contiguous()?);
        let y = x.matmul(&w.transpose(w.rank() - 2, w.rank() - 1)?)?;
        return Ok(match bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        });
    }
    let (x, w) = (x.contiguous()?, w.contiguous()?);
    let (batch, out_width, inner) = if w.rank() == 3 { w.dims3()? } else { (1, w.dim(0)?, w.dim(1)?) };
    let mut shape = x.dims().to_vec();
    if shape.pop() != Some(inner) || (batch > 1 && shape.first() != Some(&batch)) {
        return Err(Error::Model(format!("numbers {:?} do not fit weights {:?}", x.dims(), w.dims())));
    }
    shape.push(out_width);
    let rows = x.elem_count() / (batch * inner).max(1);
    let (mut out, to) = start(bias, batch * rows, out_width)?;
    let numbers = values(&x)?;
    for at in 0..batch {
        let x = Rows::packed(&numbers[at * rows * inner..(at + 1) * rows * inner], rows, inner);
        by_weights(&mut out[at * rows * out_width..(at + 1) * rows * out_width], x, &w, at * out_width, to)?;
    }
    drop(numbers);
    Ok(Tensor::from_vec(out, shape, x.device())?)
}

/// As [`product`] in the half precision of `w`, which is that of `x` too; sums are f32, and what comes out is rounded again.
///
/// # Errors
/// If the shapes do not fit.
pub(in crate::model) fn product_narrow(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let y = if x.device().is_cpu() {
        // The tensor library has no product of bf16 there: the same by widening.
        let wide = x.to_dtype(DType::F32)?.matmul(&w.to_dtype(DType::F32)?.t()?)?;
        wide.to_dtype(w.dtype())?
    } else {
        x.contiguous()?.matmul(&w.t()?)?
    };
    Ok(match bias {
        Some(bias) => y.broadcast_add(&bias.to_dtype(w.dtype())?)?,
        None => y,
    })
}

/// What the product is added to, or takes the place of.
fn start(bias: Option<&Tensor>, rows: usize, columns: usize) -> Result<(Vec<f32>, Accum)> {
    Ok(match bias {
        Some(bias) => (values(&bias.contiguous()?)?.repeat(rows), Accum::Add),
        None => (vec![0.0; rows * columns], Accum::Replace),
    })
}

/// Rows of weights that are widened at a time.
const WIDENED: usize = 256;

/// `x Wᵀ` for rows of `w` from `first` on.
fn by_weights(out: &mut [f32], x: Rows<'_>, w: &Tensor, first: usize, to: Accum) -> Result<()> {
    let (k, m) = (x.columns, out.len() / x.count.max(1));
    let (storage, layout) = w.storage_and_layout();
    let start = layout.start_offset() + first * k;
    let own = |rows: Range<usize>| start + rows.start * k..start + rows.end * k;
    match &*storage {
        Storage::Cpu(CpuStorage::F16(all)) => {
            widening(out, x, to, |rows, wide| all[own(rows)].convert_to_f32_slice(wide));
        }
        Storage::Cpu(CpuStorage::BF16(all)) => {
            widening(out, x, to, |rows, wide| all[own(rows)].convert_to_f32_slice(wide));
        }
        _ => {
            let all = values(w)?;
            multiply(out, m, x, Rows::packed(&all[first * k..(first + m) * k], m, k).transposed(), to);
        }
    }
    Ok(())
}

/// `x Wᵀ` where `widen` writes rows of `W` in f32, a few at a time: the whole of it never stands in memory.
fn widening(out: &mut [f32], x: Rows<'_>, to: Accum, widen: impl Fn(Range<usize>, &mut [f32])) {
    let (k, m) = (x.columns, out.len() / x.count.max(1));
    let mut wide = vec![0.0; WIDENED.min(m) * k];
    for at in (0..m).step_by(WIDENED) {
        let rows = WIDENED.min(m - at);
        let wide = &mut wide[..rows * k];
        widen(at..at + rows, wide);
        multiply(&mut out[at..], m, x, Rows::packed(wide, rows, k).transposed(), to);
    }
}

/// As [`product`] for weights in blocks of 8-bit integers; nothing is rounded.
///
/// # Errors
/// If the shapes do not fit.
pub(in crate::model) fn product_q8(x: &Tensor, w: &QTensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (m, k) = w.shape().dims2()?;
    let (x, bytes) = (x.contiguous()?, w.data()?);
    let (rows, inner) = x.dims2()?;
    if inner != k || bytes.len() != m * q8::bytes(k) {
        return Err(Error::Model(format!("numbers {:?} do not fit weights {:?}", x.dims(), w.shape().dims())));
    }
    let (mut out, to) = start(bias, rows, m)?;
    let numbers = values(&x)?;
    let widen = |rows: Range<usize>, wide: &mut [f32]| {
        q8::widen(&bytes[rows.start * q8::bytes(k)..rows.end * q8::bytes(k)], wide, k);
    };
    widening(&mut out, Rows::packed(&numbers, rows, k), to, widen);
    Ok(Tensor::from_vec(out, (rows, m), x.device())?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn random(shape: &[usize]) -> Tensor {
        Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap()
    }

    fn bits(x: &Tensor) -> Vec<u32> {
        x.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
    }

    #[test]
    fn a_row_is_the_same_in_any_company_and_by_any_threads() {
        let serial = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let several = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        for (k, m) in [(16, 124), (128, 2), (128, 3), (64, 40), (576, 192), (300, 1000), (1536, 64), (20, 1)] {
            let (x, w, bias) = (random(&[150, k]), random(&[m, k]), random(&[m]));
            let whole = bits(&serial.install(|| product(&x, &w, Some(&bias))).unwrap());
            assert_eq!(whole, bits(&several.install(|| product(&x, &w, Some(&bias))).unwrap()), "{k} {m}");
            for (at, rows) in [(0, 1), (7, 2), (9, 5), (30, 17), (31, 33), (20, 128)] {
                let part = product(&x.narrow(0, at, rows).unwrap(), &w, Some(&bias)).unwrap();
                assert_eq!(bits(&part), whole[at * m..(at + rows) * m], "{k} {m} {at} {rows}");
            }
        }
    }

    #[test]
    fn products_equal_those_of_the_tensor_library() {
        for (batch, n, k, m) in [(1, 1, 5, 3), (1, 40, 64, 300), (4, 9, 16, 2), (3, 50, 20, 60)] {
            let (x, w) = (random(&[batch, n, k]), random(&[batch, m, k]));
            let expected = x.matmul(&w.transpose(1, 2).unwrap()).unwrap();
            let error = |found: &Tensor| (found - &expected).unwrap().abs().unwrap().max_all().unwrap();
            assert!(error(&product(&x, &w, None).unwrap()).to_scalar::<f32>().unwrap() < 1e-4);
        }
    }

    #[test]
    fn half_precision_weights_are_widened_exactly() {
        for dtype in [DType::F16, DType::BF16] {
            let (x, w) = (random(&[9, 33]), random(&[WIDENED + 7, 33]).to_dtype(dtype).unwrap());
            let wide = w.to_dtype(DType::F32).unwrap();
            assert_eq!(bits(&product(&x, &w, None).unwrap()), bits(&product(&x, &wide, None).unwrap()));
        }
    }

    #[test]
    fn blocks_of_integers_are_widened_exactly() {
        let (x, w) = (random(&[9, 64]), random(&[WIDENED + 7, 64]));
        let quantised = QTensor::quantize(&w, candle_core::quantized::GgmlDType::Q8_0).unwrap();
        let wide = quantised.dequantize(&Device::Cpu).unwrap();
        assert_eq!(bits(&product_q8(&x, &quantised, None).unwrap()), bits(&product(&x, &wide, None).unwrap()));
    }
}
