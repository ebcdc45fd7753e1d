//! The method this house stands for.

use crate::{
    analysis::{
        method::Method,
        reweight::{CrossValidation, Fit, FitOptions, Lambda, Penalty, Scaling, fit},
    },
    attribution::Attribution,
    cancel::Cancel,
    error::Result,
};

/// What [`partscope`] minimises: a ridge towards the model, `rest` kept, each weight priced by how loud its component is
/// so that a quiet component that knows is as cheap as a loud one, and offsets of labels that cost next to nothing, so that weights need
/// not be spent on a label that the prompt prefers; the strongest penalty within half a standard error of the best in cross-validation on
/// the training labels.
///
/// Chosen on the development splits of an earlier demo model (eight tasks, 120 runs of 24 labels).
pub fn partscope_options() -> FitOptions {
    let plan = CrossValidation { path: 12, smallest: 1e-4, slack: 0.5, ..CrossValidation::default() };
    FitOptions {
        rest: 1.0,
        penalty: Penalty::TowardsOne,
        scaling: Scaling::Standardised,
        ridge: 1.0,
        offsets: Some(0.03),
        lambda: Lambda::CrossValidated(plan),
        ..FitOptions::default()
    }
}

/// Component reweighting by our default.
///
/// # Errors
/// As [`fit`](super::fit).
pub fn partscope(train: &Attribution, cancel: &Cancel) -> Result<Fit> {
    Ok(Fit { method: Method::Partscope, ..fit(train, &partscope_options(), cancel)? })
}
