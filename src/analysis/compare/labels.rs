//! What two runs predict, by label: shares beside gold, and the examples won and lost.

use serde::Serialize;

use crate::{
    analysis::{compare::Shared, predict::predictions},
    attribution::Attribution,
};

/// Predictions of one label in two runs, over their shared examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LabelChange {
    /// Share of examples whose gold label it is.
    pub gold: f64,
    /// Share of examples that the model labels so, in each run.
    pub predicted: [f64; 2],
    /// Examples of this gold label that are wrong in the first run and right in the second.
    pub won: usize,
    /// Examples of this gold label that are right in the first run and wrong in the second.
    pub lost: usize,
}

/// Predictions of every label in two runs, `[Y]`, over their shared examples.
pub fn label_changes(a: &Attribution, b: &Attribution, shared: &[Shared]) -> Vec<LabelChange> {
    let (before, after) = (predictions(a.full(), a.labels()), predictions(b.full(), b.labels()));
    let mut labels = vec![LabelChange::default(); a.labels()];
    let one = 1.0 / shared.len().max(1) as f64;
    for example in shared {
        let (gold, before, after) = (a.gold()[example.a], before[example.a], after[example.b]);
        labels[gold].gold += one;
        labels[before].predicted[0] += one;
        labels[after].predicted[1] += one;
        labels[gold].won += usize::from(before != gold && after == gold);
        labels[gold].lost += usize::from(before == gold && after != gold);
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::{predict::accuracy, testing::table},
        component::Shape,
    };

    #[test]
    fn won_and_lost_examples_explain_the_accuracies() {
        let shape = Shape { layers: 2, heads: 3, labels: 3 };
        let (a, b) = (table(shape, 90, 1, |_| 0.6), table(shape, 90, 1, |_| 0.1));
        let shared: Vec<Shared> = (0..90).map(|row| Shared { id: row.to_string(), a: row, b: row }).collect();
        let labels = label_changes(&a, &b, &shared);
        let sum = |of: fn(&LabelChange) -> f64| labels.iter().map(of).sum::<f64>();
        for total in [sum(|label| label.gold), sum(|label| label.predicted[0]), sum(|label| label.predicted[1])] {
            assert!((total - 1.0).abs() < 1e-12);
        }
        let right = |table: &Attribution| accuracy(&predictions(table.full(), 3), table.gold());
        let change = (sum(|label| label.won as f64) - sum(|label| label.lost as f64)) / 90.0;
        assert!((right(&b) - right(&a) - change).abs() < 1e-12 && sum(|label| label.lost as f64) > 0.0);
    }
}
