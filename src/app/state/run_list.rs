//! The list of all runs: in progress, queued, open and stored.

use crate::{jobs::StoredRun, runner::RunRequest};

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunRow {
    /// The run in progress.
    InProgress,
    /// The run at this index of the queue.
    Queued(usize),
    /// The open run with this id.
    Open(u64),
    /// The stored run at this index.
    Stored(usize),
}

/// State of the list.
#[derive(Clone, Debug, Default)]
pub struct RunList {
    /// Queued runs, which start one after the other.
    pub queue: Vec<RunRequest>,
    /// Stored runs, once listed.
    pub stored: Option<Vec<StoredRun>>,
    /// Row of the cursor.
    pub at: usize,
    /// Whether the list of stored runs has been requested.
    pub is_requested: bool,
    /// Key of the stored run that is deleted on the next press of delete.
    pub pending_delete: Option<String>,
}
