//! Component reweighting exactly as published, for comparison.
//!
//! Both variants of arXiv 2406.13131 are training loops that stop early, so their weights depend on the optimizer.
//! Where the paper is silent, they follow its released code; `tools/reference_reweight.py` documents the choices and
//! computes the golden weights.

use crate::{
    analysis::{
        method::Method,
        mix::Mix,
        reweight::{Fit, FitOptions, Penalty, problem::Problem, word_choice::with_words},
    },
    attribution::{Attribution, argmax},
    cancel::Cancel,
    error::Result,
};

/// Step size of plain gradient descent.
const RATE: f64 = 0.05;
/// Maximum number of steps.
const EPOCHS: usize = 2000;
/// Training accuracy is checked after the steps 0, 100, 200 …
const CHECK_EVERY: usize = 100;

/// Component reweighting as printed: summed cross-entropy + 0.1 ‖w‖₁, without bounds.
///
/// # Errors
/// As [`fit`](super::fit).
pub fn comprw(train: &Attribution, cancel: &Cancel) -> Result<Fit> {
    Descent { method: Method::CompRw, lambda: 0.1, scale: train.len() as f64, clip: false, patience: None }
        .run(train, cancel)
}

/// Component reweighting as released: mean cross-entropy + 0.01 ‖w‖₁, weights clipped to `[0, 1]` where they are used,
/// stopped at the third epoch without a new lowest loss.
///
/// # Errors
/// As [`fit`](super::fit).
pub fn comprw_released(train: &Attribution, cancel: &Cancel) -> Result<Fit> {
    Descent { method: Method::CompRwReleased, lambda: 0.01, scale: 1.0, clip: true, patience: Some(3) }
        .run(train, cancel)
}

/// Settings of the gradient descent of one variant.
struct Descent {
    method: Method,
    lambda: f64,
    /// Factor on the mean cross-entropy.
    scale: f64,
    clip: bool,
    patience: Option<usize>,
}

impl Descent {
    fn run(&self, train: &Attribution, cancel: &Cancel) -> Result<Fit> {
        with_words(train, |train| self.descend(train, cancel))
    }

    fn descend(&self, train: &Attribution, cancel: &Cancel) -> Result<Fit> {
        let problem = Problem::new(train, &self.objective())?;
        let mut weights = vec![1.0; problem.columns()];
        let (mut least, mut patience, mut epochs) = (100.0, self.patience, 0);
        while epochs < EPOCHS && patience != Some(0) {
            cancel.check()?;
            let point = problem.point(&problem.logits(&self.used(&weights)));
            self.step(&mut weights, &problem.gradient(&point));
            epochs += 1;
            if (epochs - 1).is_multiple_of(CHECK_EVERY) && all_correct(&problem, &self.used(&weights)) {
                break;
            }
            if self.scale * point.loss < least {
                least = self.scale * point.loss;
            } else {
                patience = patience.map(|left| left - 1);
            }
        }
        Ok(self.finish(&problem, &weights, epochs))
    }

    /// Returns the convex objective that the loop minimises.
    fn objective(&self) -> FitOptions {
        let bounds = self.clip.then_some((0.0, 1.0));
        FitOptions { penalty: Penalty::TowardsZero, bounds, ..FitOptions::default() }
    }

    /// Returns the weights as the model uses them, clipped in the released variant.
    fn used(&self, weights: &[f64]) -> Vec<f64> {
        if self.clip { weights.iter().map(|w| w.clamp(0.0, 1.0)).collect() } else { weights.to_vec() }
    }

    fn step(&self, weights: &mut [f64], gradient: &[f64]) {
        for (weight, gradient) in weights.iter_mut().zip(gradient) {
            let passes = !self.clip || (0.0..=1.0).contains(weight);
            let sign = if *weight == 0.0 { 0.0 } else { weight.signum() };
            *weight -= RATE * (if passes { self.scale * gradient } else { 0.0 } + self.lambda * sign);
        }
    }

    /// Returns the loop's result as a fit, with its KKT residual in the convex problem.
    fn finish(&self, problem: &Problem, weights: &[f64], epochs: usize) -> Fit {
        let used = self.used(weights);
        let point = problem.point(&problem.logits(&used));
        Fit {
            objective: self.scale * point.loss + self.lambda * problem.penalty.total(&used),
            kkt: problem.kkt(&problem.violations(&used, &problem.gradient(&point), self.lambda / self.scale)),
            mix: Mix { weights: used, rest: 0.0, offsets: Vec::new() },
            method: self.method,
            lambda: self.lambda,
            iterations: epochs,
            words_change: false,
        }
    }
}

fn all_correct(problem: &Problem, weights: &[f64]) -> bool {
    let logits = problem.logits(weights);
    logits.chunks_exact(problem.labels).zip(problem.gold()).all(|(row, &gold)| argmax(row) == gold)
}
