//! What is going on: runs, fits, and sentences about them.

use std::time::Duration;

use crate::{analysis::Method, progress::Progress};

/// Where the run that was asked for stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// Nothing is being computed.
    #[default]
    Idle,
    /// Asked for; the worker has not answered yet, or makes the prompts.
    Preparing,
    /// The model is being loaded.
    Loading(String),
    /// Examples are being attributed.
    Running(Progress),
    /// It was cancelled; what came before stands.
    Stopped,
    /// It failed, and why.
    Failed(String),
}

impl Phase {
    /// Whether something is under way.
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Preparing | Self::Loading(_) | Self::Running(_))
    }
}

/// Where the fit that was asked for stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fitting {
    /// None is asked for.
    #[default]
    Idle,
    /// It begins when the training examples of this run are there.
    Waiting(u64),
    /// The fit of this run is being computed.
    Running(u64),
    /// It is there; the same method at other strengths of its penalty is being computed.
    Path(u64),
}

/// What the last fit of a run cost and found.
#[derive(Clone, Debug, PartialEq)]
pub struct FitNote {
    /// The run it belongs to.
    pub run: u64,
    /// By which method.
    pub method: Method,
    /// Strength of its penalty.
    pub lambda: f64,
    /// Examples it was fitted on.
    pub train: usize,
    /// How long it took.
    pub took: Duration,
    /// Distance from the optimum: the KKT residual.
    pub kkt: f64,
}

/// How a notice is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something worked.
    Good,
    /// Something to know.
    Plain,
    /// Something did not work.
    Bad,
}

/// A sentence about what just happened. It stands until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How it is meant.
    pub tone: Severity,
    /// The sentence.
    pub text: String,
}
