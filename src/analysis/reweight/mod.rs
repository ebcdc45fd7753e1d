//! The best sum that a couple of dozen labels can buy.
//!
//! `min_w mean CE(softmax(ρ·rest + Σ_c w_c g_c), y) + λ Σ_c s_c |w_c − a|`, with `a` 0 (few components speak) or 1
//! (stay near the model), optionally with every weight in a box. The problem is convex, so it has one optimal value,
//! and a fit says how near it came: its KKT residual.

mod cross_validation;
mod options;
mod path;
mod problem;
mod solver;

pub use options::{CrossValidation, Fit, FitOptions, Lambda, Penalty, Scaling};
use problem::Problem;

use crate::{
    analysis::{method::Method, mix::Mix},
    attribution::Attribution,
    cancel::Cancel,
    error::{InputError, Result},
};

/// Fits a mix to the labels of `train`.
///
/// # Errors
/// Bad input (no examples, contributions that are not finite, options that have no optimum), or cancelled.
pub fn fit(train: &Attribution, options: &FitOptions, cancel: &Cancel) -> Result<Fit> {
    options.validate()?;
    let problem = Problem::new(train, options)?;
    let lambda = match options.lambda {
        Lambda::Fixed(lambda) => lambda,
        Lambda::CrossValidated(plan) => cross_validation::strength(&problem, &plan, options, cancel)?,
    };
    let solution = solver::solve(&problem, lambda, None, options, cancel)?;
    Ok(Fit::of(solution, lambda, options))
}

/// Fits a mix for each of `lambdas`, each from where the one before ended; strongest first is fastest.
///
/// # Errors
/// As [`fit`].
pub fn fit_path(train: &Attribution, lambdas: &[f64], options: &FitOptions, cancel: &Cancel) -> Result<Vec<Fit>> {
    lambdas.iter().try_for_each(|&lambda| FitOptions { lambda: Lambda::Fixed(lambda), ..*options }.validate())?;
    let problem = Problem::new(train, options)?;
    let solutions = path::solve(&problem, lambdas, options, cancel)?;
    Ok(lambdas.iter().zip(solutions).map(|(&lambda, solution)| Fit::of(solution, lambda, options)).collect())
}

/// `count` strengths, equally spaced in their logarithms, from the weakest that lets no weight move down to the share
/// `smallest` of it.
///
/// # Errors
/// As [`fit`].
pub fn lambda_path(train: &Attribution, options: &FitOptions, count: usize, smallest: f64) -> Result<Vec<f64>> {
    Ok(path::geometric(Problem::new(train, options)?.largest_lambda(), count, smallest))
}

impl Fit {
    fn of(solution: solver::Solution, lambda: f64, options: &FitOptions) -> Self {
        Self {
            mix: Mix { weights: solution.weights, rest: options.rest },
            method: Method::Convex,
            lambda,
            objective: solution.objective,
            kkt: solution.kkt,
            iterations: solution.iterations,
        }
    }
}

/// An error for data that no fit can use.
fn unusable(problem: impl Into<String>, cure: impl Into<String>) -> InputError {
    InputError::new(problem).cure(cure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::testing::table, component::Shape};

    const SHAPE: Shape = Shape { layers: 8, heads: 12, labels: 3 };

    #[test]
    fn every_problem_is_solved_to_its_optimum() {
        for labels in [2, 4] {
            let train = table(Shape { labels, ..SHAPE }, 24, 3, |index| f64::from(u8::from(index % 7 == 0)));
            for penalty in [Penalty::TowardsZero, Penalty::TowardsOne] {
                for bounds in [None, Some((0.0, 1.0)), Some((-0.5, 1.5))] {
                    for rest in [0.0, 1.0] {
                        for lambda in [1.0, 0.1, 0.01, 1e-3] {
                            for scaling in [Scaling::Raw, Scaling::Standardised] {
                                let options = FitOptions {
                                    rest,
                                    penalty,
                                    lambda: Lambda::Fixed(lambda),
                                    bounds,
                                    scaling,
                                    ..FitOptions::default()
                                };
                                let fit = fit(&train, &options, &Cancel::default()).unwrap();
                                eprintln!(
                                    "{labels} {penalty:?} {bounds:?} {rest} {lambda} {scaling:?}: {} {:.1e}",
                                    fit.iterations, fit.kkt
                                );
                                assert!(fit.objective.is_finite() && fit.mix.weights.iter().all(|w| w.is_finite()));
                                assert!(fit.kkt <= 1e-6, "{options:?}: {}", fit.kkt);
                            }
                        }
                    }
                }
            }
        }
    }
}
