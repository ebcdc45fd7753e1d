//! The worker that lays what the same labels buy otherwise beside the mix: baselines and the other fits.

use std::{io, sync::Arc};

use crate::{
    analysis::baseline::{BaselineOptions, Outcome, outcomes},
    attribution::Attribution,
    cancel::Cancel,
    error::Error,
};

use super::{Tagged, Worker};

/// A run whose methods are to be scored.
#[derive(Clone, Debug)]
pub struct BaselinesRequest {
    /// Comes back with the answer, so that it finds its way.
    pub run: u64,
    /// What the methods learn from.
    pub train: Arc<Attribution>,
    /// What they are scored on.
    pub test: Arc<Attribution>,
}

/// How the methods did.
#[derive(Clone, Debug, PartialEq)]
pub enum BaselinesEvent {
    /// All of them.
    Done {
        /// From the request.
        run: u64,
        /// One entry a method, in the order of tables.
        outcomes: Vec<Outcome>,
    },
    /// Not at all, and why.
    Failed {
        /// From the request.
        run: u64,
        /// Why.
        why: String,
    },
    /// The scoring itself broke.
    Broken(String),
}

/// Starts the thread that scores; asking again cancels the request before.
///
/// # Errors
/// If the system gives no thread.
pub fn baselines_worker(
    listen: impl Fn(Tagged<BaselinesEvent>) + Send + 'static,
) -> io::Result<Worker<BaselinesRequest>> {
    let work = |(): &mut (), request: BaselinesRequest, cancel: &Cancel, say: &mut dyn FnMut(BaselinesEvent)| {
        let run = request.run;
        match outcomes(&request.train, &request.test, &BaselineOptions::default(), cancel) {
            Ok(outcomes) => say(BaselinesEvent::Done { run, outcomes }),
            Err(Error::Cancelled) => {}
            Err(error) => say(BaselinesEvent::Failed { run, why: error.to_string() }),
        }
    };
    Worker::spawn("score", || (), work, BaselinesEvent::Broken, listen)
}
