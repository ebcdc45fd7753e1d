//! The method this house stands for.

use crate::{
    analysis::{
        method::Method,
        reweight::{CrossValidation, Fit, FitOptions, Penalty, Scaling, fit_best},
    },
    attribution::Attribution,
    cancel::Cancel,
    error::Result,
};

/// What [`partscope`] chooses between: `rest` kept, each weight priced by how loud its component is so that a quiet
/// component that knows is as cheap as a loud one, and pulled either towards the model (where that is good, little should
/// change) or towards silence (where it is not, little should stay).
pub fn partscope_candidates() -> [FitOptions; 2] {
    [Penalty::TowardsOne, Penalty::TowardsZero].map(|penalty| FitOptions {
        rest: 1.0,
        penalty,
        scaling: Scaling::Standardised,
        ..FitOptions::default()
    })
}

/// How it chooses: the direction of the pull and its strength with the least loss in cross-validation on the training
/// labels.
pub fn partscope_plan() -> CrossValidation {
    CrossValidation { path: 12, smallest: 1e-2, ..CrossValidation::default() }
}

/// Component reweighting by our default.
///
/// # Errors
/// As [`fit`](super::fit).
pub fn partscope(train: &Attribution, cancel: &Cancel) -> Result<Fit> {
    let fit = fit_best(train, &partscope_candidates(), &partscope_plan(), cancel)?;
    Ok(Fit { method: Method::Partscope, ..fit })
}
