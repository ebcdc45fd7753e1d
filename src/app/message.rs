//! What comes back from the workers.

use crate::jobs::{BaselinesEvent, ExperimentEvent, FileEvent, FitEvent, ModelEvent, StatsEvent, Tagged};

/// An event of a worker. A request that no worker could be started for is answered by an event that says so.
#[derive(Clone, Debug)]
pub enum Message {
    /// Of the worker that owns the model.
    Model(Tagged<ModelEvent>),
    /// Of the worker that fits.
    Fit(Tagged<FitEvent>),
    /// Of the worker that computes statistics of components.
    Stats(Tagged<StatsEvent>),
    /// Of the worker that scores baselines.
    Baselines(Tagged<BaselinesEvent>),
    /// Of the worker of long experiments.
    Experiment(Tagged<ExperimentEvent>),
    /// Of the worker of quick experiments.
    QuickExperiment(Tagged<ExperimentEvent>),
    /// Of the worker that reads and writes files. It answers every request, in their order.
    File(FileEvent),
}
