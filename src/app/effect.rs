//! What an update asks of the world outside.

use std::sync::Arc;

use crate::{
    analysis::Method,
    attribution::Attribution,
    jobs::{ExperimentRequest, FileRequest},
    runner::{Query, RunRequest},
};

/// What the world outside has to do.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Ask the model's worker for a run; it cancels the one before.
    Run(RunRequest),
    /// Stop the run.
    CancelRun,
    /// Fit the mix of a run on its training table.
    Fit {
        /// Which run.
        run: u64,
        /// Its training split.
        table: Arc<Attribution>,
        /// By which method.
        method: Method,
    },
    /// Score what the mix of a run is held against.
    Baselines {
        /// Which run.
        run: u64,
        /// Its training split.
        train: Arc<Attribution>,
        /// Its test split.
        test: Arc<Attribution>,
    },
    /// Ask the model's worker a question; it replaces the one before and interrupts no run.
    Query(Box<Query>),
    /// Read or write a file.
    FileRequest(FileRequest),
    /// Judge the components of a run on its test table.
    Stats {
        /// Which run.
        run: u64,
        /// Its test split.
        table: Arc<Attribution>,
    },
    /// Ask the worker of long studies; it cancels the one before.
    Experiment(ExperimentRequest),
    /// Stop the long study.
    CancelStudy,
    /// Ask the worker of quick looks; it cancels the one before.
    QuickExperiment(ExperimentRequest),
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
