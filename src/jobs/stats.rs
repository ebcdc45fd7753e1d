//! The worker that judges components: with many labels its tests take longer than a frame.

use std::{io, sync::Arc};

use crate::{
    analysis::{ComponentStats, Thresholds, summarize},
    attribution::Attribution,
};

use super::{Tagged, Worker};

/// A complete split whose components are to be judged.
#[derive(Clone, Debug)]
pub struct StatsRequest {
    /// Comes back with the answer, so that it finds its way.
    pub run: u64,
    /// The split.
    pub table: Arc<Attribution>,
}

/// How the components were judged.
#[derive(Clone, Debug, PartialEq)]
pub enum StatsEvent {
    /// All of them.
    Done {
        /// From the request.
        run: u64,
        /// One entry a component, in the order of the shape.
        stats: Vec<ComponentStats>,
    },
    /// Not at all, and why.
    Failed(String),
}

/// Starts the thread that judges components.
///
/// # Errors
/// If the system gives no thread.
pub fn stats_worker(listen: impl Fn(Tagged<StatsEvent>) + Send + 'static) -> io::Result<Worker<StatsRequest>> {
    Worker::spawn(
        "judge",
        || (),
        |(), request: StatsRequest, _, say| {
            let stats = summarize(&request.table, &Thresholds::default());
            say(StatsEvent::Done { run: request.run, stats });
        },
        StatsEvent::Failed,
        listen,
    )
}
