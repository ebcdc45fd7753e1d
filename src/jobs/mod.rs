//! Worker threads that keep the interface free.
//!
//! One worker owns the model ([`model_worker`]); a second one does the analyses that take longer than a frame
//! ([`fit_worker`]). Each takes typed requests, says typed events tagged with a generation, and starting a job cancels
//! its predecessor.

mod worker;

pub use worker::{Tagged, Worker};
