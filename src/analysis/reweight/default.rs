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

/// What [`partscope`] minimises: `rest` kept, each weight priced by how loud its component is so that a quiet component
/// that knows is as cheap as a loud one, and pulled either towards the model (where that is good, little should change)
/// or towards silence (where it is not, little should stay). The labels decide, in cross-validation, which way and how
/// strongly.
pub fn partscope_options() -> FitOptions {
    FitOptions {
        rest: 1.0,
        penalty: Penalty::Either,
        scaling: Scaling::Standardised,
        lambda: Lambda::CrossValidated(CrossValidation { path: 12, smallest: 1e-2, ..CrossValidation::default() }),
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
