//! The default fitting method.

use crate::{
    analysis::{
        method::Method,
        reweight::{CrossValidation, Fit, FitOptions, Lambda, Penalty, Scaling, fit},
    },
    attribution::Attribution,
    cancel::Cancel,
    error::Result,
};

/// Returns the options of [`partscope`]: a ridge towards the model that keeps `rest`; each weight's penalty scaled by
/// the size of its component's contributions, so that small informative components are as cheap as large ones; label
/// offsets with almost no penalty, so that no weights are needed to correct a label that the prompt prefers; and the
/// strongest penalty within half a standard error of the best in cross-validation on the training labels.
///
/// The options were chosen on the development splits of an earlier demo model (eight tasks, 120 runs of 24 labels).
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

/// Fits a mix with the default options, [`partscope_options`].
///
/// # Errors
/// As [`fit`](super::fit).
pub fn partscope(train: &Attribution, cancel: &Cancel) -> Result<Fit> {
    Ok(Fit { method: Method::Partscope, ..fit(train, &partscope_options(), cancel)? })
}
