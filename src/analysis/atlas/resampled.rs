//! Percentile intervals on means over examples, quick enough for a thousand components.

use super::column::Cell;
use crate::analysis::measures::{interval, resamples};

/// Resamples of the examples, shared by all components and columns, so that differences are paired.
#[derive(Debug)]
pub struct Resamples {
    /// How often each example occurs in each resample, `[N, draws]`.
    counts: Vec<f64>,
    examples: usize,
    draws: usize,
}

impl Resamples {
    /// Draws resamples of `examples` examples: those of [`measures`](crate::analysis::measures).
    pub fn new(examples: usize) -> Self {
        let all: Vec<Vec<u32>> = resamples(examples).collect();
        let counts = (0..examples).flat_map(|example| all.iter().map(move |counts| f64::from(counts[example])));
        Self { counts: counts.collect(), examples, draws: all.len() }
    }

    /// Returns the mean of `values` `[N]` with its interval; zeros without examples.
    pub fn mean(&self, values: &[f64]) -> Cell {
        let mean = values.iter().sum::<f64>() / self.examples.max(1) as f64;
        let (lo, hi) = interval(self.means(values));
        // Rounding may leave the mean of equal values just outside of its interval.
        Cell { value: mean, lo: lo.min(mean), hi: hi.max(mean) }
    }

    /// Returns the mean of `values` `[N]` in every resample.
    pub fn means(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.draws];
        for (counts, value) in self.counts.chunks_exact(self.draws.max(1)).zip(values) {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count * value);
        }
        for sum in &mut sums {
            *sum /= self.examples as f64;
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_contain_the_mean_and_shrink_with_examples() {
        let width = |n: usize| {
            let values: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i % 2 == 0))).collect();
            let cell = Resamples::new(n).mean(&values);
            assert!((cell.value - 0.5).abs() < 1e-12 && cell.lo < 0.5 && cell.hi > 0.5);
            cell.hi - cell.lo
        };
        let (few, many) = (width(100), width(400));
        assert!((few / many - 2.0).abs() < 0.3, "{few} {many}");
        assert!((few - 2.0 * 1.96 * 0.05).abs() < 0.03, "as the binomial: {few}");
    }

    #[test]
    fn equal_values_have_no_width_and_no_examples_no_value() {
        let cell = Resamples::new(30).mean(&[0.1; 30]);
        assert!(cell.hi - cell.lo < 1e-12 && cell.lo <= cell.value && cell.value <= cell.hi);
        assert_eq!(Resamples::new(0).mean(&[]), Cell { value: 0.0, lo: 0.0, hi: 0.0 });
    }
}
