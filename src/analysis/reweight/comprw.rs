//! Component reweighting to the letter, for comparison.
//!
//! Both variants of arXiv 2406.13131 are training loops that stop early, so their weights depend on how they descend.
//! What the paper leaves open is settled as in its released code; `tools/reference_reweight.py` says how, in the same
//! words, and gives the golden weights.

use crate::{
    analysis::{
        method::Method,
        mix::Mix,
        reweight::{Fit, FitOptions, Penalty, problem::Problem},
    },
    attribution::{Attribution, argmax},
    cancel::Cancel,
    error::Result,
};

/// Step size of plain gradient descent.
const RATE: f64 = 0.05;
/// Steps at most.
const EPOCHS: usize = 2000;
/// Training accuracy is looked at after the steps 0, 100, 200 …
const LOOK_EVERY: usize = 100;

/// Component reweighting as printed: summed cross-entropy + 0.1 ‖w‖₁, weights free.
///
/// # Errors
/// As [`fit`](super::fit).
pub fn comprw(train: &Attribution, cancel: &Cancel) -> Result<Fit> {
    Descent { method: Method::CompRw, lambda: 0.1, scale: train.len() as f64, clip: false, patience: None }
        .run(train, cancel)
}

/// Component reweighting as released: mean cross-entropy + 0.01 ‖w‖₁, weights clipped to `[0, 1]` where they are used,
/// stopped at the third epoch without a new least loss.
///
/// # Errors
/// As [`fit`](super::fit).
pub fn comprw_released(train: &Attribution, cancel: &Cancel) -> Result<Fit> {
    Descent { method: Method::CompRwReleased, lambda: 0.01, scale: 1.0, clip: true, patience: Some(3) }
        .run(train, cancel)
}

/// How a variant descends.
struct Descent {
    method: Method,
    lambda: f64,
    /// What multiplies the mean cross-entropy.
    scale: f64,
    clip: bool,
    patience: Option<usize>,
}

impl Descent {
    fn run(&self, train: &Attribution, cancel: &Cancel) -> Result<Fit> {
        let problem = Problem::new(train, &self.objective())?;
        let mut weights = vec![1.0; problem.columns()];
        let (mut least, mut patience, mut epochs) = (100.0, self.patience, 0);
        while epochs < EPOCHS && patience != Some(0) {
            cancel.check()?;
            let point = problem.point(&problem.logits(&self.used(&weights)));
            self.step(&mut weights, &problem.gradient(&point));
            epochs += 1;
            if (epochs - 1).is_multiple_of(LOOK_EVERY) && all_right(&problem, &self.used(&weights)) {
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

    /// The convex problem that the loop descends on.
    fn objective(&self) -> FitOptions {
        let bounds = self.clip.then_some((0.0, 1.0));
        FitOptions { penalty: Penalty::TowardsZero, bounds, ..FitOptions::default() }
    }

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

    /// States the loop's end in the terms of the convex problem: how far from the optimum it stopped.
    fn finish(&self, problem: &Problem, weights: &[f64], epochs: usize) -> Fit {
        let used = self.used(weights);
        let point = problem.point(&problem.logits(&used));
        Fit {
            objective: self.scale * point.loss + self.lambda * problem.pull.total(&used),
            kkt: problem.kkt(&problem.violations(&used, &problem.gradient(&point), self.lambda / self.scale)),
            mix: Mix { weights: used, rest: 0.0, offsets: Vec::new() },
            method: self.method,
            lambda: self.lambda,
            iterations: epochs,
        }
    }
}

fn all_right(problem: &Problem, weights: &[f64]) -> bool {
    let logits = problem.logits(weights);
    logits.chunks_exact(problem.labels).zip(problem.gold()).all(|(row, &gold)| argmax(row) == gold)
}
