//! The default fitting method, and the one before it.

use crate::{
    analysis::{
        method::Method,
        reweight::{CrossValidation, Fit, FitOptions, Lambda, Penalty, Prior, Scaling, fit, fit_prior},
    },
    attribution::Attribution,
    cancel::Cancel,
    error::Result,
};

impl Default for Prior {
    /// The prior of [`partscope`]. Its constants are those with the best mean over two models and three tasks;
    /// `tools/method_search.py` chooses them, and `docs/method_search.md` is its table.
    fn default() -> Self {
        Self { model: 0.3, deviation: 0.8, exponent: 0.5, mlps: 0.5, offset: 2.0 }
    }
}

/// Fits a mix with the default prior.
///
/// # Errors
/// As [`fit`].
pub fn partscope(train: &Attribution, cancel: &Cancel) -> Result<Fit> {
    Ok(fit_prior(train, &Prior::default(), &[1.0], cancel)?.swap_remove(0))
}

/// Returns the options of [`ridge_cv`]: a ridge towards the model that keeps `rest`; each weight's penalty scaled by
/// the size of its component's contributions, so that small informative components are as cheap as large ones; label
/// offsets with almost no penalty, so that no weights are needed to correct a label that the prompt prefers; and the
/// strongest penalty within half a standard error of the best in cross-validation on the training labels.
///
/// The options were chosen on the development splits of an earlier demo model (eight tasks, 120 runs of 24 labels).
pub fn ridge_cv_options() -> FitOptions {
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

/// Fits a mix with [`ridge_cv_options`].
///
/// # Errors
/// As [`fit`].
pub fn ridge_cv(train: &Attribution, cancel: &Cancel) -> Result<Fit> {
    Ok(Fit { method: Method::RidgeCv, ..fit(train, &ridge_cv_options(), cancel)? })
}
