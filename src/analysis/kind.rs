//! The four kinds of component, and the thresholds that separate them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::analysis::intervals::Z95;

/// The kind of a component as a classifier on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Its predictions agree with the gold labels more than its margins explain.
    Good,
    /// Its predictions disagree with the gold labels more than its margins explain.
    Bad,
    /// It predicts one label on every example of the split.
    LabelBiased,
    /// None of the above.
    Neutral,
}

impl Kind {
    /// All kinds, in the order in which legends list them.
    pub const ALL: [Self; 4] = [Self::Good, Self::Bad, Self::LabelBiased, Self::Neutral];

    /// Returns the name in files: `good`, `bad`, `label_biased` or `neutral`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::LabelBiased => "label_biased",
            Self::Neutral => "neutral",
        }
    }

    /// Returns a symbol that is one terminal cell wide and readable without colour.
    pub const fn glyph(self) -> char {
        match self {
            Self::Good => '+',
            Self::Bad => '-',
            Self::LabelBiased => '=',
            Self::Neutral => '·',
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Thresholds for kinds and flags.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thresholds {
    /// Largest Benjamini-Hochberg adjusted p-value at which a component is called good or bad: the expected share of
    /// false discoveries (Benjamini & Hochberg 1995 use 0.05).
    pub q: f64,
    /// The same for the flag `beats_full`, over McNemar's tests.
    pub q_beats_full: f64,
    /// Normal quantile of the interval on accuracy; 1.96 gives 95% (Wilson 1927).
    pub z: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { q: 0.05, q_beats_full: 0.05, z: Z95 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_serialised_forms_agree() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(format!("{:>5}", Kind::Bad), "  bad");
    }
}
