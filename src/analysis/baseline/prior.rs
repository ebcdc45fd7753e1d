//! Calibration by prior probabilities: leave-one-out, and any other estimate of what a prompt says without a query.

use crate::analysis::{measures::Prediction, predict::softmax};

/// Returns predictions on `test` logits `[N, Y]` divided by `prior` `[Y]`: `p / prior`, as contextual calibration does
/// (Zhao et al. 2021, arXiv 2102.09690).
pub fn divided_by(prior: &[f64], test: &[f32]) -> Prediction {
    let shift: Vec<f64> = prior.iter().map(|p| p.max(f64::MIN_POSITIVE).ln()).collect();
    let rows = test.chunks_exact(prior.len().max(1));
    Prediction::Logits(rows.flat_map(|row| row.iter().zip(&shift).map(|(&x, s)| f64::from(x) - s)).collect())
}

/// Returns the mean probabilities of the rows of `logits` `[N, labels]`, `[labels]`.
pub fn mean_probabilities(logits: &[f32], labels: usize) -> Vec<f64> {
    let mut mean = vec![0.0; labels];
    let n = (logits.len() / labels.max(1)).max(1) as f64;
    for row in softmax(logits, labels).chunks_exact(labels.max(1)) {
        mean.iter_mut().zip(row).for_each(|(mean, p)| *mean += p / n);
    }
    mean
}

/// Leave-one-out calibration (LOOC; Reif & Schwartz, NAACL 2024, arXiv 2405.02743; formula checked in the
/// authors' code, `compute_task_calibration_parameters` of github.com/schwartz-lab-NLP/label-bias at 86e81a4).
///
/// The prior is estimated on the demonstrations, each as a query behind all others, with label logits `left_out` `[K, Y]`
/// and labels `gold` `[K]`: the probabilities are averaged within each gold label first, then over the labels that
/// occur, so that an unbalanced prompt does not tilt it. Test probabilities, behind all demonstrations, are divided by
/// it. There is nothing to optimise and no regulariser.
pub fn leave_one_out_calibration(left_out: &[f32], gold: &[usize], test: &[f32], labels: usize) -> Prediction {
    let mut prior = vec![0.0; labels];
    let of = |label: usize| -> Vec<f32> {
        let rows = left_out.chunks_exact(labels.max(1)).zip(gold);
        rows.filter(|(_, y)| **y == label).flat_map(|(row, _)| row.iter().copied()).collect()
    };
    let groups: Vec<Vec<f32>> = (0..labels).map(of).filter(|rows| !rows.is_empty()).collect();
    for rows in &groups {
        let mean = mean_probabilities(rows, labels);
        prior.iter_mut().zip(mean).for_each(|(prior, mean)| *prior += mean / groups.len() as f64);
    }
    divided_by(&prior, test)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::analysis::golden::golden;

    #[derive(Deserialize)]
    struct Golden {
        labels: usize,
        gold: Vec<usize>,
        left_out: Vec<f32>,
        test: Vec<f32>,
        probabilities: Vec<f64>,
    }

    #[test]
    fn probabilities_match_the_reference() {
        for case in golden::<Vec<Golden>>("looc") {
            let found = leave_one_out_calibration(&case.left_out, &case.gold, &case.test, case.labels);
            let Prediction::Logits(logits) = found else { panic!("no probabilities") };
            for (ours, theirs) in softmax(&logits, case.labels).iter().zip(&case.probabilities) {
                assert!((ours - theirs).abs() < 1e-4, "{ours} {theirs}");
            }
        }
    }
}
