//! Two runs held against each other.

use std::collections::HashMap;

use crate::analysis::compare::{Agreement, Flip, Shared, agreement, flips};

use super::open_run::OpenRun;

/// Components named per flipped example.
const TOP: usize = 4;

/// What two runs have in common and where they differ.
#[derive(Clone, Debug, PartialEq)]
pub struct RunComparison {
    /// The run on the left, by id.
    pub a: u64,
    /// The run on the right, by id.
    pub b: u64,
    /// How alike the accuracies of the components are.
    pub agreement: Agreement,
    /// Accuracy on the right minus accuracy on the left, per component.
    pub change: Vec<f64>,
    /// Test examples that both have.
    pub shared: usize,
    /// Those whose prediction differs, and the components behind it.
    pub flips: Vec<Flip>,
}

/// Whether two runs can be compared: as many components, in the same places, and the labels of one task, whatever words
/// name them. The models may differ, as a base model and what was tuned from it do; the screen then names them.
pub fn comparable(a: &OpenRun, b: &OpenRun) -> bool {
    a.shape == b.shape && a.task.name == b.task.name
}

impl RunComparison {
    /// Compares two complete runs.
    pub fn of(a: &OpenRun, b: &OpenRun) -> Option<Self> {
        if !(comparable(a, b) && a.is_complete() && b.is_complete()) {
            return None;
        }
        let accuracies = |run: &OpenRun| -> Vec<f64> {
            (0..run.shape.components()).map(|c| run.test.tally.accuracy(c).unwrap_or(0.0)).collect()
        };
        let (left, right) = (accuracies(a), accuracies(b));
        let shared = shared(a, b);
        Some(Self {
            a: a.id,
            b: b.id,
            agreement: agreement(&left, &right, a.shape),
            change: left.iter().zip(&right).map(|(left, right)| right - left).collect(),
            shared: shared.len(),
            flips: flips(&a.test.table, &b.test.table, &shared, TOP),
        })
    }
}

/// Test examples with the same id and gold label in both, in the order of the left.
fn shared(a: &OpenRun, b: &OpenRun) -> Vec<Shared> {
    let rows: HashMap<&str, usize> =
        b.test.items.iter().enumerate().map(|(row, item)| (item.id.as_str(), row)).collect();
    let found = a.test.items.iter().enumerate().filter_map(|(row, item)| {
        let other = *rows.get(item.id.as_str())?;
        (b.test.items[other].gold == item.gold).then(|| Shared { id: item.id.clone(), a: row, b: other })
    });
    found.collect()
}

/// Agreement of every run with every other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunMatrix {
    /// The runs, by run id.
    pub runs: Vec<u64>,
    /// Agreement of component accuracies, `[R, R]`, symmetric.
    pub agreement: Vec<Vec<Agreement>>,
    /// Row and column of the cursor.
    pub at: (usize, usize),
}

impl RunMatrix {
    /// Compares every run with every other.
    pub fn of(runs: &[&OpenRun]) -> Self {
        let accuracies = |run: &&OpenRun| -> Vec<f64> {
            (0..run.shape.components()).map(|c| run.test.tally.accuracy(c).unwrap_or(0.0)).collect()
        };
        let all: Vec<Vec<f64>> = runs.iter().map(accuracies).collect();
        let mut table = vec![vec![Agreement::default(); all.len()]; all.len()];
        for row in 0..all.len() {
            for column in row..all.len() {
                let pair = agreement(&all[row], &all[column], runs[row].shape);
                (table[row][column], table[column][row]) = (pair, pair);
            }
        }
        Self { runs: runs.iter().map(|run| run.id).collect(), agreement: table, at: (0, 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::fixture;

    #[test]
    fn a_run_agrees_with_itself() {
        let a = OpenRun::saved(1, fixture::run(&fixture::request(), 40));
        let b = OpenRun::saved(2, fixture::run(&fixture::request(), 40));
        let comparison = RunComparison::of(&a, &b).unwrap();
        assert!((comparison.agreement.pearson.unwrap() - 1.0).abs() < 1e-9);
        assert_eq!((comparison.shared, comparison.flips.len(), comparison.change.iter().sum::<f64>()), (40, 0, 0.0));
    }

    #[test]
    fn other_words_and_models_can_be_compared_and_other_tasks_and_shapes_cannot() {
        let a = OpenRun::saved(1, fixture::run(&fixture::request(), 4));
        let mut b = a.clone();
        b.task.label_words[0] = " sad".to_owned();
        assert!(RunComparison::of(&a, &b).is_some());
        b.model.weights_hash = "tuned".to_owned();
        assert!(RunComparison::of(&a, &b).is_some());
        let mut larger = a.clone();
        larger.shape.layers += 1;
        assert_eq!(RunComparison::of(&a, &larger), None);
        b.task.name = "another".to_owned();
        assert_eq!(RunComparison::of(&a, &b), None);
    }
}
