//! Messages from the workers.

use crate::jobs::{
    BaselinesEvent, CatalogueEvent, ExperimentEvent, FileEvent, FitEvent, ModelEvent, StatsEvent, Tagged,
};

/// An event of a worker. If the worker could not be started, the event is the failure of the request.
#[derive(Clone, Debug)]
pub enum Message {
    /// From the model worker.
    Model(Tagged<ModelEvent>),
    /// From the fit worker.
    Fit(Tagged<FitEvent>),
    /// From the statistics worker.
    Stats(Tagged<StatsEvent>),
    /// From the baselines worker.
    Baselines(Tagged<BaselinesEvent>),
    /// From the worker that lists models.
    Catalogue(Tagged<CatalogueEvent>),
    /// From the worker for long experiments.
    Experiment(Tagged<ExperimentEvent>),
    /// From the worker for quick experiments.
    QuickExperiment(Tagged<ExperimentEvent>),
    /// From the file worker, which answers every request in order.
    File(FileEvent),
}
