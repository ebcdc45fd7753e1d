//! Progress of runs and fits, and notices.

use std::time::Duration;

use crate::{analysis::Method, progress::Progress, runner::RunRequest};

/// Phase of the requested run.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// No run in progress.
    #[default]
    Idle,
    /// The run was requested and the worker builds its prompts; the progress is in prompts.
    Preparing(Option<Progress>),
    /// The model is being loaded.
    Loading(String),
    /// Examples are being attributed.
    Running(Progress),
    /// The run was cancelled; its completed examples stay.
    Stopped,
    /// The error message of a failed run.
    Failed(String),
}

impl Phase {
    /// Whether a run is in progress.
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Preparing(_) | Self::Loading(_) | Self::Running(_))
    }
}

/// The run in progress, or the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// Its request.
    pub request: Option<RunRequest>,
    /// Whether it is shown as soon as its prompts are built.
    pub is_followed: bool,
    /// Whether it was started from the queue.
    pub is_from_queue: bool,
    /// What was said about the run that it replaced; it is taken off the screen with that run.
    pub replaced: Option<Notice>,
}

/// Whether quitting asks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quitting {
    /// Whether it asks if something is unfinished.
    pub confirms: bool,
    /// Whether mixes and edits are kept between sessions.
    pub keeps: bool,
    /// Whether it has asked, with no other action since.
    pub was_asked: bool,
}

/// Phase of the requested fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fitting {
    /// No fit in progress.
    #[default]
    Idle,
    /// Waiting for the training examples of the run with this id.
    Waiting(u64),
    /// Fitting the run with this id.
    Running(u64),
    /// The run with this id is fitted; computing the path of penalties.
    Path(u64),
}

/// Summary of the last fit.
#[derive(Clone, Debug, PartialEq)]
pub struct FitNote {
    /// Id of the run.
    pub run: u64,
    /// Fitting method.
    pub method: Method,
    /// Strength of the penalty.
    pub lambda: f64,
    /// Number of training examples.
    pub train: usize,
    /// Time taken.
    pub took: Duration,
    /// KKT residual, the distance from the optimum.
    pub kkt: f64,
}

/// Severity of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// A success.
    Good,
    /// Information.
    Plain,
    /// A failure.
    Bad,
}

/// A message about the last action or event, shown until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Severity.
    pub severity: Severity,
    /// Text of the message.
    pub text: String,
}
