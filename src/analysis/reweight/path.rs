//! Regularization paths: many penalty strengths, each solved from the previous solution.

use crate::{
    analysis::reweight::{
        FitOptions, dual_ridge,
        problem::Problem,
        solver::{Solution, solve as solve_one},
    },
    cancel::Cancel,
    error::Result,
};

/// Factor between successive strengths on the way to a single fit, and their largest number.
const STRIDE: f64 = 0.5;
const STRIDES: usize = 12;

/// Returns the solution at one strength, approached from stronger ones: a direct solve far from the start changes many
/// weights that it must then change back.
pub(super) fn approach(problem: &Problem, lambda: f64, options: &FitOptions, cancel: &Cancel) -> Result<Solution> {
    if dual_ridge::applies(problem) {
        let mut solutions = dual_ridge::solve(problem, &[lambda], options, cancel)?;
        return Ok(solutions.swap_remove(0));
    }
    let coarse = FitOptions { tolerance: options.tolerance.max(1e-2), ..*options };
    let (mut weights, mut iterations, mut strength) = (problem.penalty.start(), 0, problem.largest_lambda());
    for _ in 0..STRIDES {
        strength *= STRIDE;
        if strength <= lambda {
            break;
        }
        let solution = solve_one(problem, strength, &weights, &coarse, cancel)?;
        (weights, iterations) = (solution.weights, iterations + solution.iterations);
    }
    let solution = solve_one(problem, lambda, &weights, options, cancel)?;
    Ok(Solution { iterations: iterations + solution.iterations, ..solution })
}

/// Returns one solution per strength in `lambdas`.
pub(super) fn solve(
    problem: &Problem,
    lambdas: &[f64],
    options: &FitOptions,
    cancel: &Cancel,
) -> Result<Vec<Solution>> {
    if dual_ridge::applies(problem) {
        return dual_ridge::solve(problem, lambdas, options, cancel);
    }
    let mut solutions: Vec<Solution> = Vec::with_capacity(lambdas.len());
    for &lambda in lambdas {
        let start = solutions.last().map_or_else(|| problem.penalty.start(), |solution| solution.weights.clone());
        solutions.push(solve_one(problem, lambda, &start, options, cancel)?);
    }
    Ok(solutions)
}

/// Returns `count` numbers from `largest` down to `smallest · largest`, equally spaced in their logarithms.
pub(super) fn geometric(largest: f64, count: usize, smallest: f64) -> Vec<f64> {
    let steps = count.saturating_sub(1).max(1) as f64;
    (0..count).map(|step| largest * smallest.powf(step as f64 / steps)).collect()
}
