//! Events of a run in progress.

use std::fmt;

use super::run_plan::Plan;
use crate::{
    attribution::{Batch, Split},
    progress::Progress,
    run::RunMeta,
};

/// Event of a run in progress, in this order: `Loading`, `Building`, `Planned`, then batches (training split first) with progress
/// in between, then one of the last three.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The model is being loaded.
    Loading(String),
    /// Prompts are being built; progress in prompts.
    Building(Progress),
    /// The prompts are ready.
    Planned(Box<Plan>),
    /// Results of the next examples of a split.
    Batch(Split, Batch),
    /// Progress, in examples.
    Progress(Progress),
    /// A note about the store.
    Note(Note),
    /// The run is complete.
    Finished(Box<RunMeta>),
    /// The run was cancelled; earlier batches remain valid.
    Cancelled,
    /// The run failed, with the reason.
    Failed(String),
}

/// How the store was involved in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The store had the whole run; nothing is computed.
    Kept,
    /// The store had the first examples of the run.
    Resumed {
        /// Examples that were stored.
        done: usize,
        /// Examples in all.
        total: usize,
    },
    /// Another process is computing the same run; this one waits.
    Waiting,
    /// The store cannot be written, with the reason.
    Unkept(String),
    /// Finished batches cannot be stored, with the reason: after an interruption the run would start again.
    Unresumable(String),
    /// The stored run was damaged; it was set aside and is recomputed.
    Damaged(String),
    /// How the model's weights were made ([`Model::notes`](crate::model::Model::notes)).
    Model(String),
}

impl Note {
    /// Returns whether something is wrong with the store.
    pub const fn is_problem(&self) -> bool {
        matches!(self, Self::Unkept(_) | Self::Unresumable(_) | Self::Damaged(_))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept from an earlier run, nothing was computed"),
            Self::Resumed { done, total } => write!(f, "{done} of {total} examples kept from an earlier run"),
            Self::Waiting => f.write_str("waiting for another partscope process that computes the same run"),
            Self::Unkept(problem) => {
                write!(f, "the results were not stored and will be computed again next time: {problem}")
            }
            Self::Unresumable(problem) => {
                write!(f, "finished examples are not stored, so an interrupted run would start again: {problem}")
            }
            Self::Model(note) => f.write_str(note),
            Self::Damaged(problem) => write!(f, "the stored results are damaged and are computed again: {problem}"),
        }
    }
}
