//! The worker that scores baselines and the other fits on the labels that the mix was fitted on.

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
    /// The run; echoed in the events.
    pub run: u64,
    /// What the methods learn from.
    pub train: Arc<Attribution>,
    /// What they are scored on.
    pub test: Arc<Attribution>,
}

/// How the scoring ended.
#[derive(Clone, Debug, PartialEq)]
pub enum BaselinesEvent {
    /// The scores are there.
    Done {
        /// From the request.
        run: u64,
        /// One entry a method, in the order of tables.
        outcomes: Vec<Outcome>,
    },
    /// It failed, and why.
    Failed(String),
}

/// Starts the thread that scores; asking again cancels the request before.
///
/// # Errors
/// If the system gives no thread.
pub fn baselines_worker(
    listen: impl Fn(Tagged<BaselinesEvent>) + Send + 'static,
) -> io::Result<Worker<BaselinesRequest>> {
    let work = |(): &mut (), request: BaselinesRequest, cancel: &Cancel, emit: &mut dyn FnMut(BaselinesEvent)| {
        let run = request.run;
        match outcomes(&request.train, &request.test, &BaselineOptions::default(), cancel) {
            Ok(outcomes) => emit(BaselinesEvent::Done { run, outcomes }),
            Err(Error::Cancelled) => {}
            Err(error) => emit(BaselinesEvent::Failed(error.to_string())),
        }
    };
    Worker::spawn("baselines", || (), work, BaselinesEvent::Failed, listen)
}
