//! Products with weights that are available in panels of rows.
//!
//! A panel stays in a core's cache while it is multiplied, so unpacking weights costs little beside the product, and
//! products with dense weights are faster too.

use std::{cell::RefCell, ops::Range};

use faer::Accum;

use super::{
    dispatch::for_each,
    gemm::{Rows, multiply},
};
use crate::model::blocks::BlockMatrix;

/// Values in a panel: as many as stay in a core's cache while they are multiplied.
const PANEL: usize = 1 << 16;
/// Rows in a panel are a multiple of this number, with which products are fast.
const PANEL_ROWS: usize = 64;
/// Minimum number of multiplications in a product for several threads.
const PARALLEL_THRESHOLD: usize = 1 << 19;
/// Rows of activations with which unpacking a panel once per task costs little.
const MIN_ROWS_PER_TASK: usize = 64;
/// Rows of activations that stay in a core's cache beside a panel.
const MAX_ROWS_PER_TASK: usize = 256;

/// The rows of a weight matrix, available in panels.
pub(super) trait Panels: Sync {
    /// Number of rows and of values per row.
    fn shape(&self) -> (usize, usize);

    /// Returns the values of `rows`, in `memory` if they are not in f32 already.
    fn panel<'a>(&'a self, rows: Range<usize>, memory: &'a mut Vec<f32>) -> &'a [f32];
}

/// Weights in f32, in rows of `inner` values.
pub(super) struct Dense<'a> {
    pub(super) w: &'a [f32],
    pub(super) inner: usize,
}

impl Panels for Dense<'_> {
    fn shape(&self) -> (usize, usize) {
        (self.w.len() / self.inner.max(1), self.inner)
    }

    fn panel<'a>(&'a self, rows: Range<usize>, _: &'a mut Vec<f32>) -> &'a [f32] {
        &self.w[rows.start * self.inner..rows.end * self.inner]
    }
}

impl Panels for BlockMatrix {
    fn shape(&self) -> (usize, usize) {
        self.shape()
    }

    fn panel<'a>(&'a self, rows: Range<usize>, memory: &'a mut Vec<f32>) -> &'a [f32] {
        let count = rows.len() * self.shape().1;
        memory.resize(memory.len().max(count), 0.0);
        self.unpack(rows, &mut memory[..count]);
        &memory[..count]
    }
}

thread_local! {
    /// Memory for panels, kept since allocating it for every product takes as long as unpacking.
    static MEMORY: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Passes the rows `rows` of `w` to `take`.
pub(super) fn with_panel(w: &impl Panels, rows: Range<usize>, take: impl FnOnce(Rows<'_>)) {
    let mut memory = MEMORY.take();
    let (count, (_, columns)) = (rows.len(), w.shape());
    take(Rows::packed(w.panel(rows, &mut memory), count, columns));
    MEMORY.set(memory);
}

/// Returns the ranges of rows that make up the panels of `w`.
pub(super) fn panels(w: &impl Panels) -> impl Iterator<Item = Range<usize>> {
    let (m, k) = w.shape();
    let most = (PANEL / k.max(1) / PANEL_ROWS).clamp(1, 4) * PANEL_ROWS;
    (0..m).step_by(most).map(move |first| first..(first + most).min(m))
}

/// Multiplies `x` by the transposed rows of `w`, a panel at a time, on the threads of the current pool: many rows of `x`
/// are shared out among the threads, else the panels are.
pub(super) fn multiply_panels(out: &mut [f32], x: Rows<'_>, w: &impl Panels, to: Accum) {
    let ((m, k), threads) = (w.shape(), rayon::current_num_threads());
    if threads == 1 || x.count * m * k < PARALLEL_THRESHOLD {
        multiply_in_order(out, x, w, to);
    } else if x.count >= threads * MIN_ROWS_PER_TASK {
        let tasks = x.count.div_ceil(MAX_ROWS_PER_TASK).next_multiple_of(threads);
        let rows = x.count.div_ceil(tasks);
        let parts = out.chunks_mut(rows * m).enumerate().collect();
        for_each(parts, |(part, out)| multiply_in_order(out, x.part(part * rows, out.len() / m), w, to));
    } else {
        multiply_by_panels(out, x, w, to);
    }
}

/// As [`multiply_panels`], on the calling thread.
fn multiply_in_order(out: &mut [f32], x: Rows<'_>, w: &impl Panels, to: Accum) {
    let (m, _) = w.shape();
    for rows in panels(w) {
        let first = rows.start;
        with_panel(w, rows, |panel| multiply(&mut out[first..], m, x, panel.transposed(), to));
    }
}

/// As [`multiply_panels`], with the panels shared out among the threads.
fn multiply_by_panels(out: &mut [f32], x: Rows<'_>, w: &impl Panels, to: Accum) {
    let (m, _) = w.shape();
    let mut parts: Vec<(Range<usize>, Vec<f32>)> = panels(w).map(|rows| (rows, Vec::new())).collect();
    let initial = &*out;
    for_each(parts.iter_mut().collect(), |(rows, part)| {
        let width = rows.len();
        *part = initial.chunks_exact(m).flat_map(|row| &row[rows.clone()]).copied().collect();
        with_panel(w, rows.clone(), |panel| multiply(part, width, x, panel.transposed(), to));
    });
    for (rows, part) in parts {
        for (out, part) in out.chunks_exact_mut(m).zip(part.chunks_exact(rows.len())) {
            out[rows.clone()].copy_from_slice(part);
        }
    }
}
