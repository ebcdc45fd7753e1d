//! What is known of ablated re-runs, sweeps, attention and written words, and what is being found out.

use std::time::Duration;

use crate::{
    analysis::Effects,
    component::Shape,
    experiments::{Ablation, AttentionPattern, LogitLens, Rerun, Shares, Sweep},
    jobs::Experiment,
    progress::Progress,
};

/// What was found out about one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExperimentResults {
    /// The last ablated re-run.
    pub rerun: Option<Box<Rerun>>,
    /// Each component ablated alone.
    pub sweep: Option<Box<Sweep>>,
    /// Attention in one test example.
    pub look: Option<Box<(usize, AttentionPattern)>>,
    /// Attention by part of the prompt, over the run.
    pub shares: Option<Box<Shares>>,
    /// What a component writes in one test example.
    pub written: Option<Box<(usize, LogitLens)>>,
}

/// What the screen of causes shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExperimentView {
    /// Direct, total and indirect effect of the mix.
    #[default]
    Effects,
    /// Where the selected head looks in the chosen example.
    Attention,
    /// What the selected component writes there.
    Writes,
}

/// Where a long experiment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ExperimentStatus {
    /// None is under way.
    #[default]
    Idle,
    /// It is under way; this is what it is called, and how far it is.
    Busy(&'static str, Option<Progress>),
}

/// What is being found out, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Experiments {
    /// What the screen shows.
    pub view: ExperimentView,
    /// At which positions, and with what in place of what is missing.
    pub ablation: Ablation,
    /// The long experiment.
    pub status: ExperimentStatus,
    /// The quick experiment that is under way: its run, by id, and what was asked.
    pub quick: Option<(u64, Experiment)>,
    /// The last price asked for: of which run, how, and how long.
    pub price: Option<(u64, Ablation, Duration)>,
    /// Why the last long experiment failed.
    pub failed: Option<String>,
    /// The last quick experiment that failed, and why.
    pub refused: Option<(u64, Experiment, String)>,
}

impl Experiments {
    /// Whether the screen moves by itself.
    pub const fn is_busy(&self) -> bool {
        matches!(self.status, ExperimentStatus::Busy(..)) || self.quick.is_some()
    }
}

impl ExperimentResults {
    /// Effects of ablating `component` alone.
    pub fn effects(&self, component: usize) -> Option<&Effects> {
        self.sweep.as_ref()?.effects.get(component).filter(|effects| effects.examples > 0)
    }

    /// The mean share of a head's attention that label words of demonstrations get; `None` for MLPs.
    pub fn label_share(&self, shape: Shape, component: usize) -> Option<f64> {
        let shares = self.shares.as_ref()?;
        let (layer, column) = (component / (shape.heads + 1), component % (shape.heads + 1));
        (column < shape.heads).then(|| shares.of_labels(layer * shares.heads + column))
    }
}
