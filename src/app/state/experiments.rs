//! Experiments on runs: their settings, status and results.

use std::time::Duration;

use crate::{
    analysis::Effects,
    component::Shape,
    experiments::{Ablation, AttentionPattern, LogitLens, Rerun, Shares, Sweep},
    jobs::{Experiment, LayerScores},
    progress::Progress,
};

/// Experiment results of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExperimentResults {
    /// Last rerun with the mix applied.
    pub rerun: Option<Box<Rerun>>,
    /// Effects of ablating each component alone.
    pub sweep: Option<Box<Sweep>>,
    /// Attention in the test example with this index.
    pub attention: Option<Box<(usize, AttentionPattern)>>,
    /// Mean attention by part of the prompt.
    pub shares: Option<Box<Shares>>,
    /// Logit lens of a component in the test example with this index.
    pub logit_lens: Option<Box<(usize, LogitLens)>>,
    /// Scores of the residual stream by layer.
    pub layer_scores: Option<Box<LayerScores>>,
}

/// View of the experiments screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExperimentView {
    /// Direct, total and indirect effects of the mix.
    #[default]
    Effects,
    /// Attention of the selected head in the selected example.
    Attention,
    /// Logit lens of the selected component in the selected example.
    LogitLens,
    /// Label words read from the residual stream by layer, on all test examples.
    LensByLayer,
}

/// Status of the long experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ExperimentStatus {
    /// None is running.
    #[default]
    Idle,
    /// Running, with its name and progress.
    Busy(&'static str, Option<Progress>),
}

/// Settings and status of experiments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Experiments {
    /// View of the screen.
    pub view: ExperimentView,
    /// Positions and replacement values of ablation.
    pub ablation: Ablation,
    /// Status of the long experiment.
    pub status: ExperimentStatus,
    /// Running quick experiment, with the id of its run.
    pub quick: Option<(u64, Experiment)>,
    /// Its progress, if it reports any.
    pub quick_progress: Option<Progress>,
    /// Last estimated time of a sweep, with the run id and the ablation.
    pub cost: Option<(u64, Ablation, Duration)>,
    /// Error message of the last long experiment, if it failed.
    pub failure: Option<String>,
    /// Last failed quick experiment, with its run id and error message.
    pub quick_failure: Option<(u64, Experiment, String)>,
}

impl Experiments {
    /// Whether an experiment is running.
    pub const fn is_busy(&self) -> bool {
        matches!(self.status, ExperimentStatus::Busy(..)) || self.quick.is_some()
    }
}

impl ExperimentResults {
    /// Returns the effects of ablating `component` alone.
    pub fn effects(&self, component: usize) -> Option<&Effects> {
        self.sweep.as_ref()?.effects.get(component).filter(|effects| effects.examples > 0)
    }

    /// Returns the mean share of a head's attention on label words of demonstrations; `None` for MLPs.
    pub fn label_share(&self, shape: Shape, component: usize) -> Option<f64> {
        let shares = self.shares.as_ref()?;
        let (layer, column) = (component / (shape.heads + 1), component % (shape.heads + 1));
        (column < shape.heads).then(|| shares.of_labels(layer * shares.heads + column))
    }
}
