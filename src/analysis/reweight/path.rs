//! Many strengths of penalty, each solved from where the last ended.

use crate::{
    analysis::reweight::{
        FitOptions,
        problem::Problem,
        solver::{Solution, solve as solve_one},
    },
    cancel::Cancel,
    error::Result,
};

/// One solution per strength.
pub(super) fn solve(
    problem: &Problem,
    lambdas: &[f64],
    options: &FitOptions,
    cancel: &Cancel,
) -> Result<Vec<Solution>> {
    let mut solutions: Vec<Solution> = Vec::with_capacity(lambdas.len());
    for &lambda in lambdas {
        let start = solutions.last().map(|solution| solution.weights.as_slice());
        solutions.push(solve_one(problem, lambda, start, options, cancel)?);
    }
    Ok(solutions)
}

/// `count` numbers from `largest` down to `smallest · largest`, equally spaced in their logarithms.
pub(super) fn geometric(largest: f64, count: usize, smallest: f64) -> Vec<f64> {
    let steps = count.saturating_sub(1).max(1) as f64;
    (0..count).map(|step| largest * smallest.powf(step as f64 / steps)).collect()
}
