//! Quantities of every component in two runs.

use serde::Serialize;

use crate::{
    analysis::tally::Tally,
    component::{Component, Shape},
};

/// A quantity of a component that two runs can be compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Accuracy alone.
    #[default]
    Accuracy,
    /// Mean contribution to the margin of gold over the strongest other label, in nats.
    Margin,
    /// Label bias, `1 − H(predicted) / log Y`.
    Bias,
}

impl Measure {
    /// All measures.
    pub const ALL: [Self; 3] = [Self::Accuracy, Self::Margin, Self::Bias];

    /// Name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Margin => "margin",
            Self::Bias => "bias",
        }
    }

    /// Value in both runs.
    pub const fn of(self, change: &ComponentChange) -> [f64; 2] {
        match self {
            Self::Accuracy => change.accuracy,
            Self::Margin => change.margin,
            Self::Bias => change.bias,
        }
    }
}

/// A component in two runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ComponentChange {
    /// The component.
    #[serde(rename = "name")]
    pub component: Component,
    /// Accuracy alone.
    pub accuracy: [f64; 2],
    /// Mean contribution to the margin, in nats.
    pub margin: [f64; 2],
    /// Label bias.
    pub bias: [f64; 2],
}

/// Every component in two runs, in the order of `shape`.
pub fn component_changes(shape: Shape, a: &Tally, b: &Tally) -> Vec<ComponentChange> {
    let both = |of: &dyn Fn(&Tally) -> Option<f64>| [a, b].map(|tally| of(tally).unwrap_or_default());
    let change = |(index, component)| ComponentChange {
        component,
        accuracy: both(&|tally| tally.accuracy(index)),
        margin: both(&|tally| tally.margin(index)),
        bias: both(&|tally| tally.bias(index)),
    };
    shape.iter().enumerate().map(change).collect()
}
