//! Pure functions of an attribution: what the parts say, how sure we are, and a better sum.
//!
//! Nothing here knows a model, a file or a screen. Tables come in, small owned results go out, and equal input gives
//! equal output: everything drawn at random takes a seed.
//!
//! | module | what it answers |
//! |---|---|
//! | [`tally`], [`counts`] | counts that follow a table as it fills |
//! | [`predict`] | what a table of label logits predicts, by how much, how often it ties |
//! | [`components`] | which components are good, bad, label-biased or neutral |
//! | [`exact`], [`permutation`], [`intervals`], [`fdr`], [`bootstrap`] | the statistics behind it |
//! | [`held_out`] | how good the best component is where it was not chosen |
//! | [`mix`], [`mixed_logits`] | what the model would say with other weights |
//! | [`reweight`] | which weights a few labels ask for |
//! | [`baseline`] | what the same labels buy without reweighting |
//! | [`compare`] | how runs differ, and why |
//! | [`effect`] | what a change does, in the sum and when the network reacts |
//! | [`weights`] | a fitted mix as a file |
//! | [`check`] | input that no analysis should accept |
//! | [`method`] | the names of ways to predict |

#![allow(clippy::float_cmp, reason = "weights are compared with the very values they were set to")]

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
#[cfg(test)]
mod golden;
pub mod held_out;
pub mod intervals;
pub mod kind;
pub mod method;
pub mod mix;
pub mod mixed_logits;
pub mod permutation;
pub mod predict;
pub mod reweight;
pub mod tally;
#[cfg(test)]
pub(crate) mod testing;
pub mod weights;

pub use components::{ComponentStats, summarize};
pub use effect::{Effects, Flips, Score};
pub use kind::{Kind, Thresholds};
pub use method::Method;
pub use mix::Mix;
pub use mixed_logits::MixedLogits;
pub use reweight::{CrossValidation, Fit, FitOptions, Lambda, Penalty, Scaling, fit};
pub use tally::Tally;
pub use weights::WeightsFile;
