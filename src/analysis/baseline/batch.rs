//! Batch calibration.

use crate::{
    analysis::predict::softmax,
    attribution::{Attribution, argmax},
};

/// Returns predictions `[N]` after dividing the model's probabilities by their mean over the test examples.
///
/// Zhou et al. (2024), *Batch Calibration*. It needs no labels but sees all test examples at once: it is transductive.
pub fn batch_calibration(test: &Attribution) -> Vec<usize> {
    let labels = test.labels().max(1);
    let probabilities = softmax(test.full(), labels);
    let mean = |label: usize| probabilities.iter().skip(label).step_by(labels).sum::<f64>();
    let prior: Vec<f64> = (0..labels).map(mean).collect();
    let calibrated = |row: &[f64]| argmax(&row.iter().zip(&prior).map(|(p, prior)| p / prior).collect::<Vec<_>>());
    probabilities.chunks_exact(labels).map(calibrated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attribution::Batch, component::Shape};

    #[test]
    fn a_constant_bias_is_removed() {
        let mut table = Attribution::new(Shape { layers: 1, heads: 0, labels: 2 }, vec![0, 1]);
        let full = vec![3.0, 1.0, 3.0, 2.0];
        table.push(&Batch { examples: 2, components: vec![0.0; 4], rest: vec![0.0; 4], full });
        assert_eq!(batch_calibration(&table), [0, 1]);
    }
}
