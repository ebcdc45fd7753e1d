//! How many examples every component gets right: what agreement needs of a run, small enough to keep for many runs.

use serde::{Deserialize, Serialize};

use crate::{analysis::Tally, attribution::Attribution};

/// Right predictions of every component on some examples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentHits {
    /// Number of examples.
    pub examples: u32,
    /// Number of right predictions of every component, in the order of the model's shape.
    pub hits: Vec<u32>,
}

impl ComponentHits {
    /// Counts the right predictions in `table`.
    pub(super) fn new(table: &Attribution) -> Self {
        let tally = Tally::from_table(table);
        Self { examples: tally.len() as u32, hits: tally.counts().iter().map(|counts| counts.hits as u32).collect() }
    }

    /// Returns the accuracy of every component; 0 without examples.
    pub fn accuracies(&self) -> Vec<f64> {
        let examples = f64::from(self.examples.max(1));
        self.hits.iter().map(|&hits| f64::from(hits) / examples).collect()
    }
}
