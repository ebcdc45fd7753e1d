//! Matrix products by `faer`, with rows that do not depend on each other.

use std::ops::Range;

use candle_core::{CpuStorage, DType, Storage, Tensor, quantized::QTensor};
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};
use half::slice::HalfFloatSliceExt;

use super::{
    q8,
    values::{supports, values},
};
use crate::error::{Error, Result};

/// Rows of a matrix with a constant stride.
#[derive(Clone, Copy)]
pub(in crate::model) struct Rows<'a> {
    /// Values, starting with the first of the first row.
    pub(in crate::model) values: &'a [f32],
    pub(in crate::model) count: usize,
    pub(in crate::model) columns: usize,
    /// Distance between the starts of consecutive rows.
    pub(in crate::model) stride: usize,
}

impl<'a> Rows<'a> {
    /// Creates rows without gaps between them.
    pub(in crate::model) const fn packed(values: &'a [f32], count: usize, columns: usize) -> Self {
        Self { values, count, columns, stride: columns }
    }

    /// Returns the matrix with these rows.
    pub(in crate::model) fn matrix(self) -> MatRef<'a, f32> {
        MatRef::from_row_major_slice_with_stride(self.values, self.count, self.columns, self.stride)
    }

    /// Returns the matrix with these rows as columns.
    pub(in crate::model) fn transposed(self) -> MatRef<'a, f32> {
        self.matrix().transpose()
    }
}

/// Minimum number of multiplications in a product for several threads.
const PARALLEL_THRESHOLD: usize = 1 << 19;

/// Writes `a · b` to `out` or adds it, as `to` selects; the rows of `out` are `stride` apart.
///
/// For a single row and for results of at most 32 values, `faer` has special kernels, which add in another order. Such
/// products are padded with rows of zeros, so that a row's result does not depend on the other rows.
pub(in crate::model) fn multiply(out: &mut [f32], stride: usize, a: Rows<'_>, b: MatRef<'_, f32>, to: Accum) {
    let columns = b.ncols();
    if a.count == 0 || columns == 0 {
        return;
    }
    let min_rows = (32 / columns + 1).max(2);
    if a.count >= min_rows {
        return by_faer(out, stride, a, b, to);
    }
    let (mut padded, mut product) = (vec![0.0; min_rows * a.columns], vec![0.0; min_rows * columns]);
    for row in 0..a.count {
        let from = &a.values[row * a.stride..row * a.stride + a.columns];
        padded[row * a.columns..(row + 1) * a.columns].copy_from_slice(from);
        product[row * columns..(row + 1) * columns].copy_from_slice(&out[row * stride..row * stride + columns]);
    }
    by_faer(&mut product, columns, Rows::packed(&padded, min_rows, a.columns), b, to);
    for row in 0..a.count {
        out[row * stride..row * stride + columns].copy_from_slice(&product[row * columns..(row + 1) * columns]);
    }
}

/// Computes the product with `faer`, in parallel if it is large enough.
fn by_faer(out: &mut [f32], stride: usize, a: Rows<'_>, b: MatRef<'_, f32>, to: Accum) {
    let threads = rayon::current_num_threads();
    let parallel = threads > 1 && a.count * a.columns * b.ncols() >= PARALLEL_THRESHOLD;
    let par = if parallel { Par::rayon(threads) } else { Par::Seq };
    // Made from its transpose, since the row-major constructor of faer 0.24.4 swaps the strides.
    let out = MatMut::from_column_major_slice_with_stride_mut(out, b.ncols(), a.count, stride).transpose_mut();
    matmul(out, to, a.matrix(), b, 1.0, par);
}

/// Computes `x Wᵀ + b`, `[.., n, m]`, for `x` `[.., n, k]`, `w` `[.., m, k]` and `b` `[m]`; a leading dimension is the
/// same in `x` and `w`.
///
/// On the CPU the bytes of a row of the result do not depend on the other rows of `x` or the number of threads.
///
/// # Errors
/// If the shapes do not fit.
pub(crate) fn product(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    if !supports(x) {
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
        return Err(Error::Model(format!(
            "activations of shape {:?} do not match weights of shape {:?}",
            x.dims(),
            w.dims()
        )));
    }
    shape.push(out_width);
    let rows = x.elem_count() / (batch * inner).max(1);
    let (mut out, to) = initial_output(bias, batch * rows, out_width)?;
    let numbers = values(&x)?;
    for at in 0..batch {
        let x = Rows::packed(&numbers[at * rows * inner..(at + 1) * rows * inner], rows, inner);
        multiply_weights(&mut out[at * rows * out_width..(at + 1) * rows * out_width], x, &w, at * out_width, to)?;
    }
    drop(numbers);
    Ok(Tensor::from_vec(out, shape, x.device())?)
}

/// As [`product`], but in the half precision of `x` and `w`: sums are f32, and the result is rounded.
///
/// # Errors
/// If the shapes do not fit.
pub(in crate::model) fn product_in_half(x: &Tensor, w: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let y = if x.device().is_cpu() {
        // The tensor library has no bf16 products on the CPU, so widen to f32.
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

/// Returns the initial output, and whether the product is added to it (a bias) or replaces it.
fn initial_output(bias: Option<&Tensor>, rows: usize, columns: usize) -> Result<(Vec<f32>, Accum)> {
    Ok(match bias {
        Some(bias) => (values(&bias.contiguous()?)?.repeat(rows), Accum::Add),
        None => (vec![0.0; rows * columns], Accum::Replace),
    })
}

/// Number of rows of weights that are widened at a time.
const WIDENED_ROWS: usize = 256;

/// Multiplies `x` by the transposed rows of `w` from `first` on; `out` determines their number.
fn multiply_weights(out: &mut [f32], x: Rows<'_>, w: &Tensor, first: usize, to: Accum) -> Result<()> {
    let (k, m) = (x.columns, out.len() / x.count.max(1));
    let (storage, layout) = w.storage_and_layout();
    let start = layout.start_offset() + first * k;
    let own = |rows: Range<usize>| start + rows.start * k..start + rows.end * k;
    match &*storage {
        Storage::Cpu(CpuStorage::F16(all)) => {
            multiply_widened(out, x, to, |rows, wide| all[own(rows)].convert_to_f32_slice(wide));
        }
        Storage::Cpu(CpuStorage::BF16(all)) => {
            multiply_widened(out, x, to, |rows, wide| all[own(rows)].convert_to_f32_slice(wide));
        }
        _ => {
            let all = values(w)?;
            multiply(out, m, x, Rows::packed(&all[first * k..(first + m) * k], m, k).transposed(), to);
        }
    }
    Ok(())
}

/// Computes `x Wᵀ`, where `widen` writes rows of `W` in f32, [`WIDENED_ROWS`] at a time to save memory.
fn multiply_widened(out: &mut [f32], x: Rows<'_>, to: Accum, widen: impl Fn(Range<usize>, &mut [f32])) {
    let (k, m) = (x.columns, out.len() / x.count.max(1));
    let mut wide = vec![0.0; WIDENED_ROWS.min(m) * k];
    for at in (0..m).step_by(WIDENED_ROWS) {
        let rows = WIDENED_ROWS.min(m - at);
        let wide = &mut wide[..rows * k];
        widen(at..at + rows, wide);
        multiply(&mut out[at..], m, x, Rows::packed(wide, rows, k).transposed(), to);
    }
}

/// As [`product`], for weights in blocks of 8-bit integers, without rounding.
///
/// # Errors
/// If the shapes do not fit.
pub(in crate::model) fn product_q8(x: &Tensor, w: &QTensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (m, k) = w.shape().dims2()?;
    let (x, bytes) = (x.contiguous()?, w.data()?);
    let (rows, inner) = x.dims2()?;
    if inner != k || bytes.len() != m * q8::bytes(k) {
        return Err(Error::Model(format!(
            "activations of shape {:?} do not match weights of shape {:?}",
            x.dims(),
            w.shape().dims()
        )));
    }
    let (mut out, to) = initial_output(bias, rows, m)?;
    let numbers = values(&x)?;
    let widen = |rows: Range<usize>, wide: &mut [f32]| {
        q8::widen(&bytes[rows.start * q8::bytes(k)..rows.end * q8::bytes(k)], wide, k);
    };
    multiply_widened(&mut out, Rows::packed(&numbers, rows, k), to, widen);
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
    fn a_row_depends_neither_on_other_rows_nor_on_threads() {
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
            let (x, w) = (random(&[9, 33]), random(&[WIDENED_ROWS + 7, 33]).to_dtype(dtype).unwrap());
            let wide = w.to_dtype(DType::F32).unwrap();
            assert_eq!(bits(&product(&x, &w, None).unwrap()), bits(&product(&x, &wide, None).unwrap()));
        }
    }

    #[test]
    fn quantised_weights_are_widened_exactly() {
        let (x, w) = (random(&[9, 64]), random(&[WIDENED_ROWS + 7, 64]));
        let quantised = QTensor::quantize(&w, candle_core::quantized::GgmlDType::Q8_0).unwrap();
        let wide = quantised.dequantize(&Device::Cpu).unwrap();
        assert_eq!(bits(&product_q8(&x, &quantised, None).unwrap()), bits(&product(&x, &wide, None).unwrap()));
    }
}
