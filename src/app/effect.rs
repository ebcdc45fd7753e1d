//! What an update asks of the world outside.

use std::sync::Arc;

use crate::{
    analysis::Method,
    attribution::Attribution,
    jobs::{Errand, StudyRequest},
    runner::{Ask, RunRequest},
};

/// What the world outside has to do.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Ask the model's worker for a run; it cancels the one before.
    Run(RunRequest),
    /// Stop the run.
    CancelRun,
    /// Fit the mix of a sheet on its training table.
    Fit {
        /// Which sheet.
        sheet: u64,
        /// Its training split.
        table: Arc<Attribution>,
        /// By which method.
        method: Method,
    },
    /// Score what the mix of a sheet is held against.
    Score {
        /// Which sheet.
        sheet: u64,
        /// Its training split.
        train: Arc<Attribution>,
        /// Its test split.
        test: Arc<Attribution>,
    },
    /// Ask the model's worker a question; it replaces the one before and interrupts no run.
    Ask(Box<Ask>),
    /// Read or write a file.
    Errand(Errand),
    /// Judge the components of a sheet on its test table.
    Judge {
        /// Which sheet.
        sheet: u64,
        /// Its test split.
        table: Arc<Attribution>,
    },
    /// Ask the worker of long studies; it cancels the one before.
    Study(StudyRequest),
    /// Stop the long study.
    CancelStudy,
    /// Ask the worker of quick looks; it cancels the one before.
    Look(StudyRequest),
    /// Put this on the clipboard.
    Copy(String),
    /// Go to the background.
    Suspend,
    /// Leave.
    Quit(Leave),
}

/// How the user left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Asked to.
    Asked,
    /// Interrupted.
    Interrupted,
}
