//! Comparison with the implementation of the same family in candle-transformers: another program's code on this model's
//! own weights, dequantised to f32.
//!
//! One copy of the weights is in memory at a time: this program's results are kept, and its model is dropped first.

#[cfg(feature = "cross-check")]
mod compare;
#[cfg(feature = "cross-check")]
mod differences;
#[cfg(feature = "cross-check")]
mod families;
#[cfg(not(feature = "cross-check"))]
mod left_out;
#[cfg(feature = "cross-check")]
mod published;
mod report;
#[cfg(feature = "cross-check")]
mod tensors;

#[cfg(feature = "cross-check")]
pub(super) use compare::Comparison;
#[cfg(not(feature = "cross-check"))]
pub(super) use left_out::Comparison;
pub use report::{CrossCheck, Explained};
