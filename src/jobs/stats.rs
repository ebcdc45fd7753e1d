//! Worker that computes component statistics; with many labels their tests take longer than a frame.

use std::{io, sync::Arc};

use crate::{
    analysis::{ComponentStats, Thresholds, summarize},
    attribution::Attribution,
};

use super::{Tagged, Worker};

/// A request for the component statistics of a complete split.
#[derive(Clone, Debug)]
pub struct StatsRequest {
    /// Id of the run; echoed in the event.
    pub run: u64,
    /// The split.
    pub table: Arc<Attribution>,
}

/// Result of the computation.
#[derive(Clone, Debug, PartialEq)]
pub enum StatsEvent {
    /// The statistics.
    Done {
        /// Id from the request.
        run: u64,
        /// One entry per component, in shape order.
        stats: Vec<ComponentStats>,
    },
    /// The error message of a failed computation.
    Failed(String),
}

/// Starts the worker; a new request replaces a queued one.
///
/// # Errors
/// If the thread cannot be started.
pub fn stats_worker(listen: impl Fn(Tagged<StatsEvent>) + Send + 'static) -> io::Result<Worker<StatsRequest>> {
    Worker::spawn(
        "stats",
        || (),
        |(), request: StatsRequest, _, emit| {
            let stats = summarize(&request.table, &Thresholds::default());
            emit(StatsEvent::Done { run: request.run, stats });
        },
        StatsEvent::Failed,
        listen,
    )
}
