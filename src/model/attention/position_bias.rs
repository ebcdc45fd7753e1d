//! Attention with linear biases (ALiBi; Press et al. 2021, arXiv 2108.12409).

use std::ops::Range;

use half::bf16;

/// A term of the scores that is linear in the position of the key, with a slope per head.
///
/// The published bias is linear in the distance from key to query. A softmax does not change if all its scores grow by the
/// same amount, so the position of the key alone gives the same pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct PositionBias {
    /// Change of the score per position, for each query head.
    pub slopes: Vec<f32>,
    /// Whether slope, position and their product are rounded to bf16, as in Falcon's own code.
    pub rounded: bool,
    /// Factor on the product.
    pub factor: f32,
}

impl PositionBias {
    /// Creates the biases of `heads` heads with the published slopes: a geometric sequence if the number of heads is a
    /// power of two, else that of the next smaller power, followed by every other slope of the next larger one.
    pub fn alibi(heads: usize) -> Self {
        let power = 1 << heads.max(1).ilog2();
        let slope = |heads: usize, index: usize| 2_f64.powf(-8.0 * index as f64 / heads as f64) as f32;
        let regular = (1..=power).map(|index| slope(power, index));
        let others = (0..heads - power).map(|index| slope(2 * power, 2 * index + 1));
        Self { slopes: regular.chain(others).collect(), rounded: false, factor: 1.0 }
    }

    /// Computes the biases of `head` for keys at `positions`.
    pub(super) fn values(&self, head: usize, positions: Range<usize>) -> impl Iterator<Item = f32> {
        let round = |x: f32| if self.rounded { bf16::from_f32(x).to_f32() } else { x };
        let slope = round(self.slopes[head]);
        positions.map(move |position| round(slope * round(position as f32)) * self.factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_the_paper() {
        assert_eq!(PositionBias::alibi(8).slopes, [1, 2, 3, 4, 5, 6, 7, 8].map(|power| 0.5_f32.powi(power)));
        let six = PositionBias::alibi(6).slopes;
        assert_eq!(six[..4], [0.25, 0.0625, 0.015_625, 0.003_906_25]);
        assert_eq!(six[4..], [0.5, 0.125]);
    }

    #[test]
    fn rounding_is_that_of_bf16() {
        let bias = PositionBias { slopes: vec![0.3], rounded: true, factor: 2.0 };
        let at_257: Vec<f32> = bias.values(0, 257..258).collect();
        assert_eq!(at_257, [2.0 * bf16::from_f32(bf16::from_f32(0.3).to_f32() * 256.0).to_f32()]);
    }
}
