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

/// What [`partscope`] minimises: stay near the model, `rest` kept, each weight priced by how loud its component is, the
/// strength chosen by cross-validation. With no evidence in the labels it leaves the model as it is.
pub fn partscope_options() -> FitOptions {
    FitOptions {
        rest: 1.0,
        penalty: Penalty::TowardsOne,
        scaling: Scaling::Standardised,
        bounds: None,
        lambda: Lambda::CrossValidated(CrossValidation::default()),
        ..FitOptions::default()
    }
}

/// Component reweighting by our default.
///
/// # Errors
/// As [`fit`].
pub fn partscope(train: &Attribution, cancel: &Cancel) -> Result<Fit> {
    Ok(Fit { method: Method::Partscope, ..fit(train, &partscope_options(), cancel)? })
}
