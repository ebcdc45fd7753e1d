//! What an update asks of the world outside.
//!
//! A request of work that later requests replace carries a generation that the update assigned. The events that answer
//! it carry the same one.

use crate::{
    jobs::{BaselinesRequest, ExperimentRequest, FileRequest, FitRequest, StatsRequest},
    runner::{Query, RunRequest},
};

/// What the world outside has to do.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Run a task through the model; this cancels the run before.
    Run {
        /// Echoed in the events.
        generation: u64,
        /// The run.
        request: RunRequest,
    },
    /// Stop the run.
    CancelRun,
    /// Fit a mix; this cancels the fit before.
    Fit {
        /// Echoed in the events.
        generation: u64,
        /// What to fit.
        request: FitRequest,
    },
    /// Score the methods that a mix is compared with; this cancels the scoring before.
    Baselines {
        /// Echoed in the event.
        generation: u64,
        /// What to score them on.
        request: BaselinesRequest,
    },
    /// Compute statistics of components.
    Stats {
        /// Echoed in the event.
        generation: u64,
        /// Of which run.
        request: StatsRequest,
    },
    /// Ask the model a question; it replaces the one before and interrupts no run.
    Query {
        /// The question. Its number is its generation.
        query: Box<Query>,
        /// Whether a run is under way, between two batches of which it is answered.
        during_run: bool,
    },
    /// Begin a long experiment; this cancels the one before.
    Experiment {
        /// Echoed in the events.
        generation: u64,
        /// The experiment.
        request: ExperimentRequest,
    },
    /// Stop the long experiment.
    CancelExperiment,
    /// Begin a quick experiment; this cancels the one before.
    QuickExperiment {
        /// Echoed in the events.
        generation: u64,
        /// The experiment.
        request: ExperimentRequest,
    },
    /// Read or write a file.
    File(FileRequest),
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
