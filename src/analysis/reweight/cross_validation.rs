//! Cross-validation of the penalty strength on the training labels.

use rayon::prelude::*;

use crate::{
    analysis::reweight::{CrossValidation, FitOptions, path, problem::Problem},
    cancel::Cancel,
    error::Result,
    random::SeededRng,
};

/// KKT residual at which a fold's fit is scored; tighter tolerances do not choose better.
const FOLD_TOLERANCE: f64 = 1e-2;

/// A strength and its held-out loss.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub lambda: f64,
    /// Mean cross-entropy of held-out examples, in nats.
    pub loss: f64,
}

/// Returns the strongest λ whose held-out loss is within `plan.slack` standard errors of the lowest.
pub(super) fn choose(
    problem: &Problem,
    plan: &CrossValidation,
    options: &FitOptions,
    cancel: &Cancel,
) -> Result<Choice> {
    let lambdas = path::geometric(problem.largest_lambda(), plan.path, plan.smallest);
    let losses: Vec<Vec<f64>> = folds(problem.gold(), problem.labels, plan)
        .into_par_iter()
        .map(|held_out| held_out_losses(problem, &held_out, &lambdas, options, cancel))
        .collect::<Result<_>>()?;
    let total = |step: usize| losses.iter().map(|fold| fold[step]).sum::<f64>();
    let best = (1..lambdas.len()).fold(0, |best, step| if total(step) < total(best) { step } else { best });
    let chosen = (0..best).find(|&step| excess_is_small(&losses, step, best, plan.slack)).unwrap_or(best);
    let held_out = (plan.repeats * problem.gold().len()) as f64;
    Ok(Choice { lambda: lambdas[chosen].max(f64::MIN_POSITIVE), loss: total(chosen) / held_out })
}

/// Returns whether the loss at `step` exceeds that at `best` by at most `slack` standard errors of the difference over
/// folds.
fn excess_is_small(losses: &[Vec<f64>], step: usize, best: usize, slack: f64) -> bool {
    let excess: Vec<f64> = losses.iter().map(|fold| fold[step] - fold[best]).collect();
    let n = excess.len() as f64;
    let mean = excess.iter().sum::<f64>() / n;
    let variance = excess.iter().map(|e| (e - mean) * (e - mean)).sum::<f64>() / (n - 1.0).max(1.0);
    mean <= slack * (variance / n).sqrt()
}

/// Returns the summed cross-entropy of the held-out examples at every strength.
fn held_out_losses(
    problem: &Problem,
    held_out: &[usize],
    lambdas: &[f64],
    options: &FitOptions,
    cancel: &Cancel,
) -> Result<Vec<f64>> {
    let kept: Vec<usize> = (0..problem.gold().len()).filter(|row| !held_out.contains(row)).collect();
    let (inside, outside) = (problem.subset(&kept), problem.subset(held_out));
    let coarse = FitOptions { tolerance: options.tolerance.max(FOLD_TOLERANCE), ..*options };
    let solutions = path::solve(&inside, lambdas, &coarse, cancel)?;
    let loss = |weights: &[f64]| outside.point(&outside.logits(weights)).loss * held_out.len() as f64;
    Ok(solutions.iter().map(|solution| loss(&solution.weights)).collect())
}

/// Returns the held-out rows of every fold. The examples of each label are assigned to folds in turn, so that folds are
/// balanced; there are at most as many folds as examples.
fn folds(gold: &[usize], labels: usize, plan: &CrossValidation) -> Vec<Vec<usize>> {
    let mut rng = SeededRng::new(plan.seed);
    let count = plan.folds.min(gold.len());
    let mut folds = vec![Vec::new(); count * plan.repeats];
    for repeat in folds.chunks_exact_mut(count) {
        let mut turn = 0;
        for label in 0..labels {
            let mut rows: Vec<usize> = (0..gold.len()).filter(|&row| gold[row] == label).collect();
            rng.shuffle(&mut rows);
            for row in rows {
                repeat[turn % count].push(row);
                turn += 1;
            }
        }
        for fold in repeat {
            fold.sort_unstable();
        }
    }
    folds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_partition_the_examples_and_balance_the_labels() {
        let gold: Vec<usize> = (0..20).map(|i| i % 2).collect();
        let folds = folds(&gold, 2, &CrossValidation { repeats: 2, ..CrossValidation::default() });
        assert_eq!(folds.len(), 10);
        assert_ne!(folds[0], folds[5]);
        for fold in &folds {
            assert_eq!((fold.len(), fold.iter().filter(|&&row| gold[row] == 0).count()), (4, 2));
        }
        let mut rows = folds[..5].concat();
        rows.sort_unstable();
        assert_eq!(rows, (0..20).collect::<Vec<_>>());
    }
}
