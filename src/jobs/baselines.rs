//! Worker that scores baselines and other fitting methods on the labels of the mix.

use std::{io, sync::Arc};

use crate::{
    analysis::baseline::{BaselineOptions, Outcome, outcomes},
    attribution::Attribution,
    cancel::Cancel,
    error::Error,
};

use super::{Tagged, Worker};

/// A request to score all methods on a run.
#[derive(Clone, Debug)]
pub struct BaselinesRequest {
    /// Id of the run; echoed in the event.
    pub run: u64,
    /// Training split.
    pub train: Arc<Attribution>,
    /// Test split, on which the methods are scored.
    pub test: Arc<Attribution>,
}

/// Result of the scoring.
#[derive(Clone, Debug, PartialEq)]
pub enum BaselinesEvent {
    /// The scores.
    Done {
        /// Id from the request.
        run: u64,
        /// One entry per method, in table order.
        outcomes: Vec<Outcome>,
    },
    /// The error message of a failed scoring.
    Failed(String),
}

/// Starts the worker; a new request cancels the previous one.
///
/// # Errors
/// If the thread cannot be started.
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
