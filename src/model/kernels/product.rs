//! Products of activations with weights.

use candle_core::{DType, Tensor};
use faer::Accum;

use super::{
    gemm::{Rows, multiply},
    panels::{Dense, multiply_panels, panels, with_panel},
    values::{supports, values},
};
use crate::{
    error::{Error, Result},
    model::blocks::BlockMatrix,
};

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
    let (numbers, weights) = (values(&x)?, values(&w)?);
    for at in 0..batch {
        let x = Rows::packed(&numbers[at * rows * inner..(at + 1) * rows * inner], rows, inner);
        let w = &weights[at * out_width * inner..(at + 1) * out_width * inner];
        multiply_panels(&mut out[at * rows * out_width..(at + 1) * rows * out_width], x, &Dense { w, inner }, to);
    }
    drop((numbers, weights));
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

/// As [`product`], for weights in blocks. Each panel of rows is unpacked to f32 and multiplied by the same kernel as
/// dense weights, so the bytes are those of the product with the whole unpacked matrix.
///
/// # Errors
/// If the shapes do not fit.
pub(in crate::model) fn product_of_blocks(x: &Tensor, w: &BlockMatrix, bias: Option<&Tensor>) -> Result<Tensor> {
    let ((m, k), x) = (w.shape(), x.contiguous()?);
    let (rows, inner) = x.dims2()?;
    if inner != k {
        return Err(Error::Model(format!(
            "activations of shape {:?} do not match weights of shape {:?}",
            x.dims(),
            [m, k]
        )));
    }
    let (mut out, to) = initial_output(bias, rows, m)?;
    if rows * m > 0 {
        multiply_panels(&mut out, Rows::packed(&values(&x)?, rows, k), w, to);
    }
    Ok(Tensor::from_vec(out, (rows, m), x.device())?)
}

/// Unpacks all panels of `w` on the calling thread.
pub(in crate::model) fn unpack_panels(w: &BlockMatrix) {
    for rows in panels(w) {
        with_panel(w, rows, |panel| {
            std::hint::black_box(panel.values);
        });
    }
}

/// Computes `x W`, `[n, k]`, for `x` `[n, m]` and `w` `[m, k]` in blocks.
///
/// # Errors
/// If the shapes do not fit.
pub(in crate::model) fn project_blocks(x: &Tensor, w: &BlockMatrix) -> Result<Tensor> {
    let ((m, k), x) = (w.shape(), x.contiguous()?);
    let (count, inner) = x.dims2()?;
    if inner != m {
        return Err(Error::Model(format!("rows of {inner} values do not match weights of shape {:?}", [m, k])));
    }
    let mut out = vec![0.0; count * k];
    let numbers = values(&x)?;
    for rows in panels(w) {
        let part = Rows { values: &numbers[rows.start..], count, columns: rows.len(), stride: m };
        with_panel(w, rows, |panel| multiply(&mut out, k, part, panel.matrix(), Accum::Add));
    }
    Ok(Tensor::from_vec(out, (count, k), x.device())?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::{model::blocks::BlockType, random::SeededRng};

    fn random(shape: &[usize]) -> Tensor {
        Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap()
    }

    fn bits(x: &Tensor) -> Vec<u32> {
        x.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
    }

    #[test]
    fn a_row_depends_neither_on_other_rows_nor_on_threads() {
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        // Two threads share out 150 rows, three the panels.
        let (serial, two, three) = (pool(1), pool(2), pool(3));
        for (k, m) in [(16, 124), (128, 2), (128, 3), (64, 40), (576, 192), (300, 1000), (1536, 64), (20, 1)] {
            let (x, w, bias) = (random(&[150, k]), random(&[m, k]), random(&[m]));
            let whole = bits(&serial.install(|| product(&x, &w, Some(&bias))).unwrap());
            for several in [&two, &three] {
                assert_eq!(whole, bits(&several.install(|| product(&x, &w, Some(&bias))).unwrap()), "{k} {m}");
            }
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

    /// Random weights in blocks of every type, `[m, k]`; `k` is a multiple of 256.
    fn blocks(m: usize, k: usize) -> Vec<BlockMatrix> {
        let mut rng = SeededRng::new(7);
        let mut of_type = |&kind: &BlockType| {
            let row = kind.bytes(k).unwrap();
            // Small bytes make all scales finite and small.
            let bytes = (0..m * row).map(|_| rng.below(0x3a) as u8).collect();
            BlockMatrix::new(kind, bytes, (m, k)).unwrap()
        };
        BlockType::ALL.iter().map(&mut of_type).collect()
    }

    #[test]
    fn products_with_blocks_equal_those_with_unpacked_weights() {
        let several = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        for (k, m) in [(256, 300), (512, 33), (2304, 70)] {
            for w in blocks(m, k) {
                let (x, bias, wide) = (random(&[40, k]), random(&[m]), w.to_f32().unwrap());
                let expected = bits(&product(&x, &wide, Some(&bias)).unwrap());
                assert_eq!(bits(&product_of_blocks(&x, &w, Some(&bias)).unwrap()), expected, "{w:?}");
                let parallel = several.install(|| product_of_blocks(&x, &w, Some(&bias))).unwrap();
                assert_eq!(bits(&parallel), expected, "{w:?}");
                let few = product_of_blocks(&x.narrow(0, 7, 3).unwrap(), &w, Some(&bias)).unwrap();
                assert_eq!(bits(&few), expected[7 * m..10 * m], "{w:?}");
                let rows = random(&[4, m]);
                let difference = (project_blocks(&rows, &w).unwrap() - rows.matmul(&wide).unwrap()).unwrap();
                let scale = rows.matmul(&wide).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
                let error = difference.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
                assert!(error <= 1e-5 * scale, "{w:?}: {error} of {scale}");
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_rejected() {
        let w = &blocks(4, 256)[2];
        assert!(product_of_blocks(&random(&[2, 255]), w, None).is_err());
        assert!(project_blocks(&random(&[2, 5]), w).is_err());
        assert_eq!(product_of_blocks(&random(&[0, 256]), w, None).unwrap().dims(), [0, 4]);
    }
}
