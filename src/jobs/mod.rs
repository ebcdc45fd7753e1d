//! Worker threads that keep the interface responsive.
//!
//! One worker owns the model ([`model_worker`]). Analyses that take longer than a frame have their own workers
//! ([`fit_worker`], [`stats_worker`], [`baselines_worker`]), and so do experiments ([`experiment_worker`]) and the list of
//! models ([`catalogue_worker`]). Each takes
//! requests with a generation and emits events tagged with it; a new request cancels the previous one. File requests
//! run in order on a [`FileWorker`]; none is skipped. [`Lazy`] starts a worker on its first request.

mod baselines;
mod catalogue;
mod experiments;
mod files;
mod fit;
mod lazy;
mod model;
mod stats;
mod stored;
mod worker;

pub use baselines::{BaselinesEvent, BaselinesRequest, baselines_worker};
pub use catalogue::{CatalogueEvent, CatalogueRequest, ListedModel, catalogue_worker};
pub use experiments::{
    Experiment, ExperimentEvent, ExperimentRequest, ExperimentResult, LayerScores, experiment_worker,
};
pub use files::{FileEvent, FileRequest, FileWorker};
pub use fit::{FitEvent, FitRequest, fit_worker};
pub use lazy::Lazy;
pub use model::{ModelEvent, ModelWorker, SharedModel, model_worker};
pub use stats::{StatsEvent, StatsRequest, stats_worker};
pub use stored::{StoredContent, StoredRun};
pub use worker::{Tagged, Worker};
