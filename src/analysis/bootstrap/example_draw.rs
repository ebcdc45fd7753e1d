//! Examples that were drawn, and how many predictions on them are right.

use crate::analysis::hits::{Hits, bit};

/// How often every example of a task was drawn.
#[derive(Debug)]
pub struct ExampleDraw {
    count: usize,
    /// One word of each bit of the numbers, from the lowest bit, for 64 examples.
    planes: Vec<Vec<u64>>,
}

impl Default for ExampleDraw {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl ExampleDraw {
    pub(super) fn new(multiplicities: &[u32]) -> Self {
        let most = multiplicities.iter().copied().max().unwrap_or(0);
        let words = multiplicities.len().div_ceil(u64::BITS as usize);
        let mut planes = vec![vec![0; words]; (u32::BITS - most.leading_zeros()) as usize];
        for (at, &number) in multiplicities.iter().enumerate() {
            for (place, plane) in planes.iter_mut().enumerate() {
                if number >> place & 1 == 1 {
                    plane[at / u64::BITS as usize] |= bit(at);
                }
            }
        }
        Self { count: multiplicities.len(), planes }
    }

    /// Returns the number of examples, with those that were drawn several times, or not at all, counted so.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Returns whether there are no examples.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Counts for all series of `hits` the right predictions on the drawn examples.
    pub fn count_right(&self, hits: &HitTable, counts: &mut [f64]) {
        pulp::Arch::new().dispatch(CountRight { planes: &self.planes, hits, counts });
    }
}

/// Which predictions of several methods in one run are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitTable {
    methods: usize,
    /// Words of 64 examples, `[word, method]`.
    words: Vec<u64>,
}

impl HitTable {
    /// Puts the hits of each method side by side; examples that one of them lacks are left out.
    pub fn new(hits: &[&Hits]) -> Self {
        let words = hits.iter().map(|hits| hits.words().len()).min().unwrap_or(0);
        let words = (0..words).flat_map(|word| hits.iter().map(move |hits| hits.words()[word])).collect();
        Self { methods: hits.len(), words }
    }
}

/// Methods counted at a time.
const BLOCK: usize = 32;

/// Counting, compiled for every instruction set.
struct CountRight<'a> {
    planes: &'a [Vec<u64>],
    hits: &'a HitTable,
    counts: &'a mut [f64],
}

impl pulp::WithSimd for CountRight<'_> {
    type Output = ();

    #[allow(clippy::inline_always, reason = "without inlining it is compiled for the baseline instruction set")]
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for (block, counts) in self.counts.chunks_mut(BLOCK).enumerate() {
            let mut right = [0_u32; BLOCK];
            for (at, words) in self.hits.words.chunks_exact(self.hits.methods.max(1)).enumerate() {
                for (place, plane) in self.planes.iter().enumerate() {
                    let drawn = plane.get(at).copied().unwrap_or(0);
                    for (right, word) in right.iter_mut().zip(&words[block * BLOCK..]) {
                        *right += (word & drawn).count_ones() << place;
                    }
                }
            }
            for (count, right) in counts.iter_mut().zip(right) {
                *count = f64::from(right);
            }
        }
    }
}
