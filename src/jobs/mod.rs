//! Worker threads that keep the interface free.
//!
//! One worker owns the model ([`model_worker`]); the analyses that take longer than a frame have their own
//! ([`fit_worker`], [`judge_worker`]). Each takes typed requests, says typed events tagged with a generation, and
//! starting a job cancels its predecessor.

mod fit;
mod judge;
mod model;
mod worker;

pub use fit::{FitEvent, FitRequest, fit_worker};
pub use judge::{JudgeRequest, Judged, judge_worker};
pub use model::model_worker;
pub use worker::{Tagged, Worker};
