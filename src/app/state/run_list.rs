//! The list of all runs: under way, queued, at hand, and stored.

use crate::{jobs::StoredRun, runner::RunRequest};

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunRow {
    /// The run under way, or the last one that was stopped or failed.
    UnderWay,
    /// The one of this number in the queue.
    Queued(usize),
    /// A run at hand, by run id.
    AtHand(u64),
    /// A run of the store, by its place in the list.
    Stored(usize),
}

/// What the list of runs knows.
#[derive(Clone, Debug, Default)]
pub struct RunList {
    /// Runs that are asked for one after the other.
    pub queue: Vec<RunRequest>,
    /// What the store has, once it was read.
    pub stored: Option<Vec<StoredRun>>,
    /// On which row the cursor is.
    pub at: usize,
    /// Whether the store was asked for its list.
    pub asked: bool,
    /// The stored run that is deleted if that is asked for once more.
    pub pending_delete: Option<String>,
}
