//! Fits one weight per component to a few labelled examples.
//!
//! `min_w mean CE(softmax(ρ·rest + Σ_c w_c g_c), y) + λ Σ_c s_c |w_c − a|`, with `a` 0 (few components are used) or 1
//! (weights stay near the model), optionally with box constraints on the weights and an offset for every label. The
//! problem is convex, so it has one optimal value; the KKT residual of a fit measures how close it came. Where a class is
//! the largest of several label words it is convex only with the words held; `word_choice` chooses them.

mod by_method;
mod comprw;
mod cross_validation;
mod default;
mod dual_ridge;
mod fit;
mod options;
mod path;
mod penalty;
mod prior;
mod problem;
mod scaled;
mod solver;
mod word_choice;

pub use by_method::{FITS, fit_by, has_path, path_of};
pub use comprw::{comprw, comprw_released};
pub use default::{partscope, ridge_cv, ridge_cv_options};
pub use fit::{fit, fit_best, fit_path, lambda_path};
pub use options::{CrossValidation, Fit, FitOptions, Lambda, Penalty, Prior, Scaling};
pub use prior::fit_prior;
#[cfg(test)]
mod tests;
