//! Kinds of ablation.

use serde::{Deserialize, Serialize};

use crate::model::Positions;

/// Replacement value for ablated output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fill {
    /// Zero: zero ablation.
    #[default]
    Zero,
    /// The component's mean output: mean ablation. With [`Positions::Last`], the mean over the last tokens of the test
    /// prompts; with [`Positions::All`], over all their tokens except the first. The prompts are those of the run, or of
    /// another run if [`RunContext::fill_from`](super::RunContext::fill_from) gives one.
    Mean,
    /// The component's output on the paired prompt of another run, token by token: activation patching (interchange
    /// interventions; Vig et al. 2020, arXiv 2004.12265; Zhang & Nanda 2023, arXiv 2309.16042).
    Paired,
}

impl Fill {
    /// Returns the name used in files and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Mean => "mean",
            Self::Paired => "paired",
        }
    }
}

/// How components are ablated inside the forward pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ablation {
    /// The token positions.
    pub positions: Positions,
    /// The replacement value.
    pub fill: Fill,
}

impl Ablation {
    /// Returns a short form such as `zero, last`.
    pub fn short(self) -> String {
        format!("{}, {}", self.fill.name(), self.positions.name())
    }

    /// Returns a phrase such as `zero ablation at the last position`.
    pub const fn describe(self) -> &'static str {
        match (self.fill, self.positions) {
            (Fill::Zero, Positions::Last) => "zero ablation at the last position",
            (Fill::Zero, Positions::All) => "zero ablation at all positions",
            (Fill::Mean, Positions::Last) => "mean ablation at the last position",
            (Fill::Mean, Positions::All) => "mean ablation at all positions",
            (Fill::Paired, Positions::Last) => "activation patching at the last position",
            (Fill::Paired, Positions::All) => "activation patching at all positions",
        }
    }
}
