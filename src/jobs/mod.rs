//! Worker threads that keep the interface free.
//!
//! One worker owns the model ([`model_worker`]); the analyses that take longer than a frame have their own
//! ([`fit_worker`], [`judge_worker`], [`score_worker`]). Each takes typed requests, says typed events tagged with a
//! generation, and starting a job cancels its predecessor. Files are read and written by a [`Clerk`], who leaves
//! nothing out.

mod baselines;
mod experiments;
mod files;
mod fit;
mod model;
mod stats;
mod worker;

pub use baselines::{ScoreRequest, Scored, score_worker};
pub use experiments::{Finding, Study, StudyEvent, StudyRequest, study_worker};
pub use files::{Clerk, Errand, Kept, Report, StoredRun};
pub use fit::{FitEvent, FitRequest, fit_worker};
pub use model::{ModelEvent, ModelWorker, SharedModel, model_worker};
pub use stats::{JudgeRequest, Judged, judge_worker};
pub use worker::{Tagged, Worker};
