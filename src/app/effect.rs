//! Effects: side effects requested by an update.
//!
//! A request that a later one can replace carries a generation assigned by the update. The events that answer it carry
//! the same generation.

use std::path::PathBuf;

use crate::{
    jobs::{BaselinesRequest, CatalogueRequest, ExperimentRequest, FileRequest, FitRequest, StatsRequest},
    runner::{Query, RunRequest},
};

/// A side effect, carried out by the executor or the terminal.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Run a task through the model; cancels the previous run.
    Run {
        /// Echoed in the events.
        generation: u64,
        /// Run to compute.
        request: RunRequest,
    },
    /// Stop the run.
    CancelRun,
    /// Fit a mix; cancels the previous fit.
    Fit {
        /// Echoed in the events.
        generation: u64,
        /// Training split and method.
        request: FitRequest,
    },
    /// Score the methods a mix is compared with; cancels the previous scoring.
    Baselines {
        /// Echoed in the event.
        generation: u64,
        /// Training and test split.
        request: BaselinesRequest,
    },
    /// Compute component statistics.
    Stats {
        /// Echoed in the event.
        generation: u64,
        /// Split to compute them on.
        request: StatsRequest,
    },
    /// Query the model; replaces the previous query and does not interrupt a run.
    Query {
        /// The query. Its serial number is its generation.
        query: Box<Query>,
        /// Whether a run is in progress; the query is then answered between two of its batches.
        during_run: bool,
    },
    /// Start a long experiment; cancels the previous one.
    Experiment {
        /// Echoed in the events.
        generation: u64,
        /// The experiment.
        request: ExperimentRequest,
    },
    /// List the models on this machine; cancels the previous search.
    ListModels {
        /// Echoed in the events.
        generation: u64,
        /// Recently used models.
        request: CatalogueRequest,
    },
    /// Use another model for runs, queries and experiments from now on.
    OpenModel(String),
    /// Stop the long experiment.
    CancelExperiment,
    /// Start a quick experiment; cancels the previous one.
    QuickExperiment {
        /// Echoed in the events.
        generation: u64,
        /// The experiment.
        request: ExperimentRequest,
    },
    /// Read or write a file.
    File(FileRequest),
    /// Save a picture of the screen, and this table, under a path without ending.
    Export {
        /// Path without ending.
        path: PathBuf,
        /// Table of the screen as CSV.
        csv: String,
        /// Whether existing files are replaced.
        replace: bool,
    },
    /// Copy a text to the clipboard.
    Copy(String),
    /// Suspend the program.
    Suspend,
    /// Quit the program.
    Quit(Leave),
}

/// How the user quit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// With the quit action.
    Asked,
    /// With the interrupt action.
    Interrupted,
}
