//! Two runs held against each other.

use crate::analysis::compare::{Agreement, Flip, agreement, agreements, flips, shared_examples};

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
        let (left, right) = (a.test.tally.accuracies(), b.test.tally.accuracies());
        let shared = shared_examples(test_examples(a), test_examples(b));
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

/// Id and gold label of every test example.
fn test_examples(run: &OpenRun) -> impl Iterator<Item = (&str, usize)> {
    run.test.items.iter().map(|item| (item.id.as_str(), item.gold))
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
        let accuracies = runs.iter().map(|run| (run.test.tally.accuracies(), run.shape));
        Self {
            runs: runs.iter().map(|run| run.id).collect(),
            agreement: agreements(&accuracies.collect::<Vec<_>>()),
            at: (0, 0),
        }
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
        let comparison = RunComparison::new(&a, &b).unwrap();
        assert!((comparison.agreement.pearson.unwrap() - 1.0).abs() < 1e-9);
        assert_eq!((comparison.shared, comparison.flips.len(), comparison.change.iter().sum::<f64>()), (40, 0, 0.0));
    }

    #[test]
    fn other_words_and_models_can_be_compared_and_other_tasks_and_shapes_cannot() {
        let a = OpenRun::saved(1, fixture::run(&fixture::request(), 4));
        let mut b = a.clone();
        b.task.label_words[0] = " sad".to_owned();
        assert!(RunComparison::new(&a, &b).is_some());
        b.model.weights_hash = "tuned".to_owned();
        assert!(RunComparison::new(&a, &b).is_some());
        let mut larger = a.clone();
        larger.shape.layers += 1;
        assert_eq!(RunComparison::new(&a, &larger), None);
        b.task.name = "another".to_owned();
        assert_eq!(RunComparison::new(&a, &b), None);
    }
}
