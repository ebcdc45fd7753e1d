//! Work handed to the threads and to the widest vector instructions of this machine.

use rayon::prelude::*;

/// What is computed row by row; the method must be `inline(always)`, as for [`Vectorised`].
pub(super) trait PerRow: Sync {
    /// Computes `out`, the row at `index`.
    fn run<const FUSED: bool>(&self, index: usize, out: &mut [f32]);
}

/// Numbers that one thread takes at a time, at least: below, handing them out costs more than it saves.
const SHARE: usize = 1 << 14;

/// Runs `kernel` over the rows of `out`, `width` numbers each.
pub(super) fn each_row(kernel: &impl PerRow, out: &mut [f32], width: usize) {
    let rows = SHARE.div_ceil(width.max(1));
    let share = |(index, out): (usize, &mut [f32])| vectorised(Share { kernel, first: index * rows, out, width });
    for_each(out.chunks_mut(rows * width).enumerate().collect(), share);
}

/// Does `work` on all `items`, by the threads of the pool this is called in.
pub(in crate::model) fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync + Send) {
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
pub(in crate::model) trait Vectorised {
    /// Does it; `FUSED` says whether those instructions multiply and add in one.
    fn run<const FUSED: bool>(self);
}

/// Does `work` with the widest vector instructions that this machine has.
pub(in crate::model) fn vectorised(work: impl Vectorised) {
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
