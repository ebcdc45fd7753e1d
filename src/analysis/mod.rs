//! Analyses of an attribution: component statistics, their uncertainty, and reweighting.
//!
//! All are pure functions: they take tables, return small owned results, and use no model, file or screen. Equal input
//! gives equal output: every function that draws random numbers takes a seed.
//!
//! | module | what it computes |
//! |---|---|
//! | [`tally`], [`counts`] | counts per component, updated as a table fills |
//! | [`predict`] | predictions, margins and tie rates from label logits |
//! | [`components`], [`kind`] | statistics and kind of every component |
//! | [`exact`], [`permutation`], [`intervals`], [`fdr`], [`bootstrap`] | tests, intervals and corrections |
//! | [`held_out`] | accuracy of the best component on examples that did not choose it |
//! | [`hits`] | which predictions are right, one bit each |
//! | [`measures`] | macro-F1, calibration error, likelihood and label shares, with intervals |
//! | [`logit_scores`] | accuracy, margin, bias and calibration of label logits, with intervals |
//! | [`mix`], [`mixed_logits`] | label logits under other weights |
//! | [`reweight`] | weights fitted to a few labels |
//! | [`baseline`] | baselines that use the same labels without reweighting |
//! | [`compare`] | differences between runs and their causes |
//! | [`effect`] | direct, total and indirect effects of a change |
//! | [`task_subspace`] | task recognition and task learning of components |
//! | [`atlas`] | one row a component, one column a measure, with intervals |
//! | [`function_vector`] | rise of the right answer's probability, with intervals |
//! | [`learning_curve`] | accuracy with fewer labels |
//! | [`weights`] | weights files |
//! | [`check`] | checks of the input |
//! | [`method`] | prediction methods and their names |

#![allow(clippy::float_cmp, reason = "weights are compared with the very values they were set to")]

pub mod atlas;
pub mod baseline;
pub mod bootstrap;
pub mod check;
pub mod compare;
pub mod components;
pub mod counts;
pub mod effect;
#[cfg(test)]
mod error_rates;
pub mod exact;
pub mod fdr;
pub mod function_vector;
#[cfg(test)]
mod golden;
pub mod held_out;
pub mod hits;
pub mod intervals;
pub mod kind;
pub mod learning_curve;
pub mod logit_scores;
pub mod measures;
pub mod method;
pub mod mix;
pub mod mixed_logits;
pub mod permutation;
pub mod predict;
pub mod reweight;
pub mod tally;
pub mod task_subspace;
#[cfg(test)]
pub(crate) mod testing;
pub mod weights;
#[cfg(test)]
mod word_classes_tests;

pub use components::{ComponentStats, summarize};
pub use effect::{Effects, Flips, Score};
pub use function_vector::AnswerProbabilities;
pub use hits::Hits;
pub use kind::{Kind, Thresholds};
pub use method::Method;
pub use mix::Mix;
pub use mixed_logits::MixedLogits;
pub use reweight::{CrossValidation, Fit, FitOptions, Lambda, Penalty, Scaling, fit};
pub use tally::Tally;
pub use weights::WeightsFile;
