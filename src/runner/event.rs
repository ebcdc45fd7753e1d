//! What an attribution says while it runs.

use std::fmt;

use super::run_plan::Plan;
use crate::{
    attribution::{Batch, Split},
    progress::Progress,
    run::RunMeta,
};

/// What an attribution says while it runs, in this order: `Loading`, `Planned`, then batches (training split first)
/// with progress in between, then one of the last three.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The model is being loaded.
    Loading(String),
    /// The prompts are ready.
    Planned(Box<Plan>),
    /// The next examples of a split.
    Batch(Split, Batch),
    /// How far it is, in examples.
    Progress(Progress),
    /// Where the run comes from, if not all of it from the model.
    Note(Note),
    /// All done.
    Finished(Box<RunMeta>),
    /// It was cancelled; what came before stands.
    Cancelled,
    /// It failed, and why.
    Failed(String),
}

/// What the store has to do with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// It was kept from before; nothing is computed.
    Kept,
    /// Its beginning was kept.
    Resumed {
        /// Examples that are there.
        done: usize,
        /// Examples in all.
        total: usize,
    },
    /// Another process computes it; this one waits.
    Waiting,
    /// The store cannot be written, and why.
    Unkept(String),
    /// What was kept is damaged; it was set aside and is computed again.
    Damaged(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept from before, nothing was computed"),
            Self::Resumed { done, total } => write!(f, "{done} of {total} examples kept from before"),
            Self::Waiting => f.write_str("waiting for another partscope that computes the same"),
            Self::Unkept(problem) => write!(f, "the run will be computed again next time: {problem}"),
            Self::Damaged(problem) => write!(f, "what was kept is damaged and is computed again: {problem}"),
        }
    }
}
