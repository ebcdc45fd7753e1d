//! The best sum that a couple of dozen labels can buy.
//!
//! `min_w mean CE(softmax(ρ·rest + Σ_c w_c g_c), y) + λ Σ_c s_c |w_c − a|`, with `a` 0 (few components speak) or 1
//! (stay near the model), optionally with every weight in a box and with an offset for every label. The problem is convex, so it has one optimal value,
//! and a fit says how near it came: its KKT residual.

mod by_method;
mod comprw;
mod cross_validation;
mod default;
mod dual_ridge;
mod fit;
mod options;
mod path;
mod penalty;
mod problem;
mod solver;

pub use by_method::{FITS, fit_by, path_of};
pub use comprw::{comprw, comprw_released};
pub use default::{partscope, partscope_options};
pub use fit::{fit, fit_best, fit_path, lambda_path};
pub use options::{CrossValidation, Fit, FitOptions, Lambda, Penalty, Scaling};
#[cfg(test)]
mod tests;
