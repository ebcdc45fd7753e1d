//! Batch calibration.

use crate::{
    analysis::{
        baseline::{divided_by, mean_probabilities},
        measures::Prediction,
    },
    attribution::Attribution,
};

/// Returns the model's probabilities divided by their mean over the test examples.
///
/// Zhou et al. (2024), *Batch Calibration*. It needs no labels but sees all test examples at once: it is transductive.
pub fn batch_calibration(test: &Attribution) -> Prediction {
    divided_by(&mean_probabilities(test.full(), test.labels()), test.full())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attribution::Batch, component::Shape};

    #[test]
    fn a_constant_bias_is_removed() {
        let mut table = Attribution::new(Shape { layers: 1, heads: 0, labels: 2 }, vec![0, 1]);
        let full = vec![3.0, 1.0, 3.0, 2.0];
        table.push(&Batch { examples: 2, components: vec![0.0; 4], rest: vec![0.0; 4], full, norms: Vec::new() });
        assert_eq!(batch_calibration(&table).labels(2), [0, 1]);
    }
}
