//! Matrix products by `faer`, with rows that do not depend on each other.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};

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

    /// Returns `count` consecutive rows, from `first` on.
    pub(in crate::model) fn part(self, first: usize, count: usize) -> Self {
        Self { values: &self.values[first * self.stride..], count, ..self }
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

/// Computes the product with `faer`, on the calling thread.
fn by_faer(out: &mut [f32], stride: usize, a: Rows<'_>, b: MatRef<'_, f32>, to: Accum) {
    // Made from its transpose, since the row-major constructor of faer 0.24.4 swaps the strides.
    let out = MatMut::from_column_major_slice_with_stride_mut(out, b.ncols(), a.count, stride).transpose_mut();
    matmul(out, to, a.matrix(), b, 1.0, Par::Seq);
}
