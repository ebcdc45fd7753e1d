//! Fits at one penalty strength, along a path, and by cross-validation.

use super::{
    cross_validation,
    options::{CrossValidation, Fit, FitOptions, Lambda, Penalty},
    path,
    problem::Problem,
    solver,
    word_choice::{with_model_words, with_words},
};
use crate::{
    analysis::{method::Method, mix::Mix},
    attribution::Attribution,
    cancel::Cancel,
    error::{InputError, Result},
};

/// Fits a mix to the labels of `train`.
///
/// # Errors
/// If nothing can be learned from the training split ([`trainable`](crate::analysis::check::trainable)), the options
/// have no optimum, or it was cancelled.
pub fn fit(train: &Attribution, options: &FitOptions, cancel: &Cancel) -> Result<Fit> {
    options.validate()?;
    with_words(train, |train| fit_columns(train, options, cancel))
}

/// Fits a mix to contributions that add up.
fn fit_columns(train: &Attribution, options: &FitOptions, cancel: &Cancel) -> Result<Fit> {
    if let (Penalty::Either, Lambda::CrossValidated(plan)) = (options.penalty, options.lambda) {
        let candidates = [Penalty::TowardsOne, Penalty::TowardsZero].map(|penalty| FitOptions { penalty, ..*options });
        return fit_best_columns(train, &candidates, &plan, cancel);
    }
    let problem = Problem::new(train, options)?;
    let lambda = match options.lambda {
        Lambda::Fixed(lambda) => lambda,
        Lambda::CrossValidated(plan) => cross_validation::choose(&problem, &plan, options, cancel)?.lambda,
    };
    let solution = path::approach(&problem, lambda, options, cancel)?;
    Ok(Fit::from_solution(&problem, solution, lambda, options))
}

/// Fits the one of `candidates` with the lowest cross-validated loss, at the strength that reached it; ties go to the
/// first. Each is cross-validated by `plan`; its own strength is ignored.
///
/// # Errors
/// As [`fit`], or if there is no candidate.
pub fn fit_best(
    train: &Attribution,
    candidates: &[FitOptions],
    plan: &CrossValidation,
    cancel: &Cancel,
) -> Result<Fit> {
    with_words(train, |train| fit_best_columns(train, candidates, plan, cancel))
}

fn fit_best_columns(
    train: &Attribution,
    candidates: &[FitOptions],
    plan: &CrossValidation,
    cancel: &Cancel,
) -> Result<Fit> {
    let mut best: Option<(f64, FitOptions)> = None;
    for options in candidates {
        let options = FitOptions { lambda: Lambda::CrossValidated(*plan), ..*options };
        options.validate()?;
        let choice = cross_validation::choose(&Problem::new(train, &options)?, plan, &options, cancel)?;
        if best.is_none_or(|(loss, _)| choice.loss < loss) {
            best = Some((choice.loss, FitOptions { lambda: Lambda::Fixed(choice.lambda), ..options }));
        }
    }
    let none = || InputError::new("there is nothing to fit").help("name at least one candidate");
    let (_, options) = best.ok_or_else(none)?;
    fit_columns(train, &options, cancel)
}

/// Fits a mix at each of `lambdas`, starting from the previous solution; strongest first is fastest.
///
/// # Errors
/// As [`fit`].
pub fn fit_path(train: &Attribution, lambdas: &[f64], options: &FitOptions, cancel: &Cancel) -> Result<Vec<Fit>> {
    let at = |lambda| FitOptions { lambda: Lambda::Fixed(lambda), ..*options };
    lambdas.iter().try_for_each(|&lambda| at(lambda).validate())?;
    if with_model_words(train).is_some() {
        return lambdas.iter().map(|&lambda| fit(train, &at(lambda), cancel)).collect();
    }
    let problem = Problem::new(train, options)?;
    let solutions = path::solve(&problem, lambdas, options, cancel)?;
    Ok(lambdas
        .iter()
        .zip(solutions)
        .map(|(&lambda, solution)| Fit::from_solution(&problem, solution, lambda, options))
        .collect())
}

/// Returns `count` strengths, equally spaced in their logarithms, from the smallest that keeps all weights at the start
/// down to the share `smallest` of it.
///
/// # Errors
/// As [`fit`].
pub fn lambda_path(train: &Attribution, options: &FitOptions, count: usize, smallest: f64) -> Result<Vec<f64>> {
    let held = with_model_words(train);
    Ok(path::geometric(Problem::new(held.as_ref().unwrap_or(train), options)?.largest_lambda(), count, smallest))
}

impl Fit {
    fn from_solution(problem: &Problem, solution: solver::Solution, lambda: f64, options: &FitOptions) -> Self {
        let (weights, offsets) = problem.split_offsets(solution.weights);
        Self {
            mix: Mix { weights, rest: options.rest, offsets },
            method: Method::Convex,
            lambda,
            objective: solution.objective,
            kkt: solution.kkt,
            iterations: solution.iterations,
            words_change: false,
        }
    }
}
