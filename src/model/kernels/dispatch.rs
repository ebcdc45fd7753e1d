//! Runs kernels on all threads, with the widest vector instructions of the processor.

use rayon::prelude::*;

/// A kernel that computes one row at a time; the method must be `inline(always)`, as for [`Vectorised`].
pub(in crate::model) trait PerRow: Sync {
    /// Computes `out`, the row at `index`.
    fn run<const FUSED: bool>(&self, index: usize, out: &mut [f32]);
}

/// Smallest number of values per parallel task; smaller tasks cost more than they save.
const MIN_VALUES_PER_TASK: usize = 1 << 14;

/// Runs `kernel` over the rows of `out`, `width` values each.
pub(super) fn each_row(kernel: &impl PerRow, out: &mut [f32], width: usize) {
    let rows = MIN_VALUES_PER_TASK.div_ceil(width.max(1));
    let run = |(index, out): (usize, &mut [f32])| vectorised(RowRange { kernel, first: index * rows, out, width });
    for_each(out.chunks_mut(rows * width).enumerate().collect(), run);
}

/// Runs `kernel` over the rows of `out`, `width` values each, on the calling thread.
pub(in crate::model) fn rows_in_order(kernel: &impl PerRow, out: &mut [f32], width: usize) {
    vectorised(RowRange { kernel, first: 0, out, width });
}

/// Calls `work` on all `items`, in parallel on the current thread pool.
pub(in crate::model) fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync + Send) {
    if items.len() <= 1 || rayon::current_num_threads() == 1 {
        for item in items {
            work(item);
        }
    } else {
        items.into_par_iter().for_each(work);
    }
}

/// Consecutive rows, starting at row `first`.
struct RowRange<'a, K> {
    kernel: &'a K,
    first: usize,
    out: &'a mut [f32],
    width: usize,
}

impl<K: PerRow> Vectorised for RowRange<'_, K> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (row, out) in self.out.chunks_exact_mut(self.width).enumerate() {
            self.kernel.run::<FUSED>(self.first + row, out);
        }
    }
}

/// Work that is compiled once per vector instruction set. The method and everything it calls must be
/// `inline(always)`; other functions, closures above all, are compiled for the baseline instruction set.
pub(in crate::model) trait Vectorised {
    /// Does the work; `FUSED` says whether the instruction set has fused multiply-add.
    fn run<const FUSED: bool>(self);
}

/// Runs `work` with the widest vector instructions of the processor.
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

/// Returns the name of the widest vector instructions of the processor, e.g. `x86_64 with 16 lanes`.
pub(super) fn instruction_set() -> String {
    struct Name;

    impl pulp::WithSimd for Name {
        type Output = String;

        fn with_simd<S: pulp::Simd>(self, _: S) -> String {
            format!("{} with {} lanes", std::env::consts::ARCH, S::F32_LANES)
        }
    }

    pulp::Arch::new().dispatch(Name)
}
