//! What is wanted of a process that computes cells, and what it reports.

use crate::runner::Note;

/// What to do about cells that failed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Whether they are computed again.
    pub retry: bool,
    /// After how many processes ended without a word during a cell it counts as failed.
    pub max_kills: u64,
}

/// Event of [`run`](super::run).
#[derive(Clone, Debug, PartialEq)]
pub enum CellEvent {
    /// A cell is done or failed; the number of cells that are left.
    Left(usize),
    /// A note about the store.
    Note(Note),
    /// A cell failed, with its name and the reason.
    Failed(String, String),
    /// A model or task cannot be used; its cells stay to be computed.
    Unusable(String),
}
