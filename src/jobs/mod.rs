//! Worker threads that keep the interface free.
//!
//! One worker owns the model ([`model_worker`]). A worker takes typed requests, says typed events tagged with a
//! generation, and starting a job cancels its predecessor.

mod model;
mod worker;

pub use model::model_worker;
pub use worker::{Tagged, Worker};
