//! Worker threads that keep the interface free.
//!
//! One worker owns the model ([`model_worker`]); the analyses that take longer than a frame have their own
//! ([`fit_worker`], [`stats_worker`], [`baselines_worker`]). Each takes typed requests with a generation, emits typed
//! events tagged with it, and starting a job cancels its predecessor. File requests run in order on a [`FileWorker`];
//! none is skipped. A worker can be started with its first request ([`Lazy`]).

mod baselines;
mod experiments;
mod files;
mod fit;
mod lazy;
mod model;
mod stats;
mod stored;
mod worker;

pub use baselines::{BaselinesEvent, BaselinesRequest, baselines_worker};
pub use experiments::{Experiment, ExperimentEvent, ExperimentRequest, ExperimentResult, experiment_worker};
pub use files::{FileEvent, FileRequest, FileWorker};
pub use fit::{FitEvent, FitRequest, fit_worker};
pub use lazy::Lazy;
pub use model::{ModelEvent, ModelWorker, SharedModel, model_worker};
pub use stats::{StatsEvent, StatsRequest, stats_worker};
pub use stored::{StoredContent, StoredRun};
pub use worker::{Tagged, Worker};
