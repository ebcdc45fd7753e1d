//! How components are changed inside the forward pass.

use serde::{Deserialize, Serialize};

use crate::model::Positions;

/// What stands in for the part of a result that a weight below 1 takes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fill {
    /// Nothing: zero ablation.
    #[default]
    Zero,
    /// The component's mean result: mean ablation. With [`Positions::Last`] the mean over the last tokens of the run's
    /// test prompts; with [`Positions::All`] over all tokens but the first of all of them.
    Mean,
}

impl Fill {
    /// The name used in files and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Mean => "mean",
        }
    }
}

/// How components are changed inside the forward pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ablation {
    /// At which tokens.
    pub positions: Positions,
    /// What stands in for what is missing.
    pub fill: Fill,
}

impl Ablation {
    /// In two words: `zero, last`.
    pub fn short(self) -> String {
        format!("{}, {}", self.fill.name(), self.positions.name())
    }

    /// As a sentence part: `zero ablation at the last position`.
    pub const fn describe(self) -> &'static str {
        match (self.fill, self.positions) {
            (Fill::Zero, Positions::Last) => "zero ablation at the last position",
            (Fill::Zero, Positions::All) => "zero ablation at all positions",
            (Fill::Mean, Positions::Last) => "mean ablation at the last position",
            (Fill::Mean, Positions::All) => "mean ablation at all positions",
        }
    }
}
