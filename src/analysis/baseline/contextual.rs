//! Contextual calibration: division by the probabilities on content-free inputs.

use crate::analysis::{
    baseline::{divided_by, mean_probabilities},
    measures::Prediction,
};

/// Returns `softmax(test) / p̄`, where `p̄` are the mean probabilities on inputs that say nothing, with label logits
/// `content_free` `[M, Y]`; `test` are logits `[N, Y]`.
///
/// With `N/A`, the empty text and `[MASK]` it is contextual calibration (Zhao et al. 2021, *Calibrate Before Use*, arXiv
/// 2102.09690); with random words of the test texts it is domain-context calibration (Fei et al., ACL 2023, arXiv
/// 2305.19148; checked in the authors' code, `eval_accuracy` and `sample_random_texts` of
/// github.com/fywalter/label-bias). Their code averages probabilities over the vocabulary before it normalises them;
/// here they are normalised over the labels first.
pub fn contextual_calibration(content_free: &[f32], test: &[f32], labels: usize) -> Prediction {
    divided_by(&mean_probabilities(content_free, labels), test)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::predict::predictions;

    #[test]
    fn the_bias_of_the_prompt_is_removed() {
        let full = [2.0, 1.5, 2.0, 0.1, 3.0, 2.9];
        let corrected = |free: &[f32]| contextual_calibration(free, &full, 2).labels(2);
        assert_eq!(predictions(&full, 2), [0, 0, 0]);
        assert_eq!(corrected(&[2.0, 1.0, 1.0, 0.0]), [1, 0, 1]);
        assert_eq!(corrected(&[0.0, 0.0]), [0, 0, 0]);
    }
}
