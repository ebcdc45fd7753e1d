//! What the CPU computes without the tensor library: matrix products and the row-wise maps between them.
//!
//! Tensors stay tensors, so that every architecture and device is served by one forward pass; only what is hot on the
//! CPU comes here. Two rules hold for all of it. A row's result depends on that row alone, so the bytes are the same in
//! whatever batch it stands and however many threads there are. And a kernel uses the threads of the rayon pool it is
//! called in: all of them for one long prompt, a single one where batches already run side by side.

#![allow(clippy::inline_always, reason = "what is not inlined is compiled for the oldest machine")]

mod product;
mod q8;
mod rows;
pub(super) mod vector;

use std::ops::Deref;

use candle_core::{CpuStorage, DType, Storage, Tensor};
pub(crate) use product::product;
pub(super) use product::product_q8;
pub(super) use product::{Rows, multiply};
use rayon::prelude::*;
pub(super) use rows::{activate, add, normalise, rotate};

use crate::error::{Error, Result};

/// Whether the kernels here serve `x`.
pub(crate) fn serves(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// The numbers of a contiguous f32 tensor on the CPU, in row-major order, borrowed.
pub(super) fn values(x: &Tensor) -> Result<impl Deref<Target = [f32]>> {
    let (storage, layout) = x.storage_and_layout();
    let (start, len) = (layout.start_offset(), layout.shape().elem_count());
    if !layout.is_contiguous() || !matches!(&*storage, Storage::Cpu(CpuStorage::F32(_))) {
        return Err(Error::Model("a kernel of the CPU needs contiguous f32 numbers".to_owned()));
    }
    Ok(Held { storage, start, len })
}

/// A share of numbers that are locked for reading.
struct Held<S> {
    storage: S,
    start: usize,
    len: usize,
}

impl<S: Deref<Target = Storage>> Deref for Held<S> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.start..self.start + self.len],
            _ => &[],
        }
    }
}

/// What is computed row by row; the method must be `inline(always)`, as for [`Vectorised`].
trait PerRow: Sync {
    /// Computes `out`, the row at `index`.
    fn run<const FUSED: bool>(&self, index: usize, out: &mut [f32]);
}

/// Numbers that one thread takes at a time, at least: below, handing them out costs more than it saves.
const SHARE: usize = 1 << 14;

/// Runs `kernel` over the rows of `out`, `width` numbers each.
fn each_row(kernel: &impl PerRow, out: &mut [f32], width: usize) {
    let rows = SHARE.div_ceil(width.max(1));
    let share = |(index, out): (usize, &mut [f32])| vectorised(Share { kernel, first: index * rows, out, width });
    for_each(out.chunks_mut(rows * width).enumerate().collect(), share);
}

/// Does `work` on all `items`, by the threads of the pool this is called in.
pub(super) fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync + Send) {
    if items.len() <= 1 || rayon::current_num_threads() == 1 {
        for item in items {
            work(item);
        }
    } else {
        items.into_par_iter().for_each(work);
    }
}

/// Consecutive rows, from the row at `first` on.
struct Share<'a, K> {
    kernel: &'a K,
    first: usize,
    out: &'a mut [f32],
    width: usize,
}

impl<K: PerRow> Vectorised for Share<'_, K> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (row, out) in self.out.chunks_exact_mut(self.width).enumerate() {
            self.kernel.run::<FUSED>(self.first + row, out);
        }
    }
}

/// Work that is compiled once for every set of vector instructions. The method, and all that it calls, must be
/// `inline(always)`: what is not, closures above all, is compiled for the oldest machine.
pub(super) trait Vectorised {
    /// Does it; `FUSED` says whether those instructions multiply and add in one.
    fn run<const FUSED: bool>(self);
}

/// Does `work` with the widest vector instructions that this machine has.
pub(super) fn vectorised(work: impl Vectorised) {
    struct Dispatched<W>(W);

    impl<W: Vectorised> pulp::WithSimd for Dispatched<W> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) {
            if S::IS_SCALAR { self.0.run::<false>() } else { self.0.run::<true>() }
        }
    }

    pulp::Arch::new().dispatch(Dispatched(work));
}
