//! Seeded random choices, implemented here so that changes in a library's sampling code cannot change the corpus.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A random stream, fixed by its seed and name.
pub(crate) struct Draw {
    stream: ChaCha8Rng,
    /// Whether [`Draw::zipf`] draws all words with equal probability.
    pub(crate) even: bool,
}

impl Draw {
    /// Creates the stream of a named part; parts have separate streams, so that a change in one does not affect the
    /// others.
    pub(crate) fn new(seed: u64, part: &str) -> Self {
        let name = part
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self { stream: ChaCha8Rng::seed_from_u64(seed ^ name), even: false }
    }

    /// Draws a number uniformly from `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns true with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Draws an index uniformly from `0..n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n - 1)
    }

    /// Draws an integer uniformly from `low..=high`.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// Draws an item; all are equally likely.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Draws a word with weight `1 / (rank + 2)`, since word frequencies in real text are skewed. The model learns rare
    /// words only partly.
    pub(crate) fn zipf<'a>(&mut self, words: &[&'a str]) -> &'a str {
        if self.even {
            return words[self.below(words.len())];
        }
        let total: f64 = (0..words.len()).map(|rank| 1.0 / (rank as f64 + 2.0)).sum();
        let mut left = self.unit() * total;
        for (rank, word) in words.iter().enumerate() {
            left -= 1.0 / (rank as f64 + 2.0);
            if left < 0.0 {
                return word;
            }
        }
        words[words.len() - 1]
    }

    /// Draws an index with the given weights.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len() - 1
    }

    /// Shuffles `items` (Fisher-Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
