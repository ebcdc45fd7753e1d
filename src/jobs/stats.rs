//! The worker that computes statistics of components: with many labels their tests take longer than a frame.

use std::{io, sync::Arc};

use crate::{
    analysis::{ComponentStats, Thresholds, summarize},
    attribution::Attribution,
};

use super::{Tagged, Worker};

/// A complete split whose component statistics are wanted.
#[derive(Clone, Debug)]
pub struct StatsRequest {
    /// The run; echoed in the events.
    pub run: u64,
    /// The split.
    pub table: Arc<Attribution>,
}

/// How the computation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum StatsEvent {
    /// The statistics are there.
    Done {
        /// From the request.
        run: u64,
        /// One entry a component, in the order of the shape.
        stats: Vec<ComponentStats>,
    },
    /// It failed, and why.
    Failed(String),
}

/// Starts the thread that computes statistics; asking again cancels the request before.
///
/// # Errors
/// If the system gives no thread.
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
