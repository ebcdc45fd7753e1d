//! Comparison of two runs.

use crate::analysis::compare::{Agreement, Flip, agreement, agreements, flips, shared_examples};

use super::open_run::OpenRun;

/// Components listed per flipped example.
const TOP: usize = 4;

/// Agreement and differences of two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunComparison {
    /// Id of the run on the left.
    pub a: u64,
    /// Id of the run on the right.
    pub b: u64,
    /// Agreement of component accuracies.
    pub agreement: Agreement,
    /// Accuracy on the right minus accuracy on the left per component, `[C]`.
    pub change: Vec<f64>,
    /// Number of test examples in both runs.
    pub shared: usize,
    /// Shared examples with different predictions, and the components behind them.
    pub flips: Vec<Flip>,
}

/// Whether two runs can be compared: they must have the same shape and task. Models and label words may differ, for
/// example a base model and its fine-tuned version.
pub fn comparable(a: &OpenRun, b: &OpenRun) -> bool {
    a.shape == b.shape && a.task.name == b.task.name
}

impl RunComparison {
    /// Compares two complete runs; `None` if they are incomplete or not comparable.
    pub fn new(a: &OpenRun, b: &OpenRun) -> Option<Self> {
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

/// Returns id and gold label of every test example.
fn test_examples(run: &OpenRun) -> impl Iterator<Item = (&str, usize)> {
    run.test.items.iter().map(|item| (item.id.as_str(), item.gold))
}

/// Agreement of each pair of runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunMatrix {
    /// Ids of the runs.
    pub runs: Vec<u64>,
    /// Agreement of component accuracies, `[R, R]`, symmetric.
    pub agreement: Vec<Vec<Agreement>>,
    /// Row and column of the cursor.
    pub at: (usize, usize),
}

impl RunMatrix {
    /// Compares each pair of runs.
    pub fn new(runs: &[&OpenRun]) -> Self {
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
    fn models_and_label_words_may_differ_but_not_tasks_or_shapes() {
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
