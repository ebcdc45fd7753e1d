//! Contextual calibration: division by the probabilities on content-free inputs.

use crate::{analysis::predict::predictions, attribution::Attribution};

/// Returns the predictions `[N]` of `softmax(full) / p̄`, where `p̄` are the mean probabilities on content-free inputs
/// with label logits `content_free` `[M, Y]` (Zhao et al. 2021, *Calibrate Before Use*, arXiv 2102.09690).
pub fn contextual_calibration(content_free: &[f32], test: &Attribution) -> Vec<usize> {
    let labels = test.labels();
    let mut prior = vec![0.0; labels];
    for logits in content_free.chunks_exact(labels) {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let odds: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - largest).exp()).collect();
        let total: f64 = odds.iter().sum();
        for (prior, odds) in prior.iter_mut().zip(odds) {
            *prior += odds / total;
        }
    }
    let shift: Vec<f64> = prior.iter().map(|p: &f64| p.ln()).collect();
    let corrected: Vec<f64> = test
        .full()
        .chunks_exact(labels)
        .flat_map(|row| row.iter().zip(&shift).map(|(&x, s)| f64::from(x) - s))
        .collect();
    predictions(&corrected, labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attribution::Batch, component::Shape};

    #[test]
    fn the_bias_of_the_prompt_is_removed() {
        let shape = Shape { layers: 1, heads: 1, labels: 2 };
        let full = vec![2.0, 1.5, 2.0, 0.1, 3.0, 2.9];
        let mut table = Attribution::new(shape, vec![1, 0, 1]);
        table.push(&Batch { examples: 3, components: vec![0.0; 12], rest: vec![0.0; 6], full });
        assert_eq!(predictions(table.full(), 2), [0, 0, 0]);
        assert_eq!(contextual_calibration(&[2.0, 1.0, 1.0, 0.0], &table), [1, 0, 1]);
        assert_eq!(contextual_calibration(&[0.0, 0.0], &table), [0, 0, 0]);
    }
}
