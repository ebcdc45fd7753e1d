//! Comparison of two runs: what differs, and why.

use crate::{
    analysis::compare::{
        Agreement, DemoPair, Flip, FromMean, LabelChange, Movers, Shared, agreement, agreements, demo_pairs, flips,
        from_mean, label_changes, movers, shared_examples,
    },
    attribution::Split,
};

use super::{
    metric::Metric,
    open_run::OpenRun,
    scale::{Range, Scale},
};

/// Components listed per flipped example.
const TOP: usize = 4;

/// What the left of the screen shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ComparisonView {
    /// Maps of both runs and their difference, as many as fit.
    #[default]
    Maps,
    /// Components by the size of their difference.
    Ranking,
    /// Components of one run against those of the other.
    Scatter,
}

impl ComparisonView {
    /// Returns the next view.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Maps => Self::Ranking,
            Self::Ranking => Self::Scatter,
            Self::Scatter => Self::Maps,
        }
    }
}

/// A quantity of every component in two runs, `[C]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantities {
    /// The quantity.
    pub metric: Metric,
    /// Values of the run on the left and of the run on the right, where known.
    pub sides: [Vec<Option<f64>>; 2],
    /// Right minus left, where both are known.
    pub change: Vec<Option<f64>>,
    /// Scale of both sides.
    pub scale: Scale,
    /// Scale of the change.
    pub change_scale: Scale,
    /// Components by the size of the change, largest first; those without one last.
    pub ranks: Vec<usize>,
}

impl Quantities {
    fn new(a: &OpenRun, b: &OpenRun, metric: Metric) -> Self {
        let metric = if metric.is_known(a) && metric.is_known(b) { metric } else { Metric::default() };
        let count = a.shape.components();
        let sides = [a, b].map(|run| (0..count).map(|c| metric.value(run, c)).collect::<Vec<_>>());
        let change: Vec<Option<f64>> =
            sides[0].iter().zip(&sides[1]).map(|(left, right)| Some((*right)? - (*left)?)).collect();
        let size = |c: &usize| change[*c].map_or(-1.0, f64::abs);
        let mut ranks: Vec<usize> = (0..count).collect();
        ranks.sort_by(|a, b| size(b).total_cmp(&size(a)));
        let (scale, labels) = (metric.scale(a.shape.labels, &sides.concat()), a.shape.labels);
        let change_scale = Range::AroundZero(0.05).scale(labels, &change);
        Self { metric, sides, change, scale, change_scale, ranks }
    }
}

/// Agreement and differences of two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunComparison {
    /// Id of the run on the left.
    pub a: u64,
    /// Id of the run on the right.
    pub b: u64,
    /// Agreement of component accuracies.
    pub agreement: Agreement,
    /// Test examples in both runs.
    pub shared: Vec<Shared>,
    /// Demonstrations, in the order of the prompts.
    pub demos: Vec<DemoPair>,
    /// Predictions by label, over shared examples.
    pub labels: Vec<LabelChange>,
    /// Which components moved all flipped examples; `None` if none flipped.
    pub movers: Option<Movers>,
    /// Shared examples with different predictions, and the components behind them.
    pub flips: Vec<Flip>,
    /// The quantity that is compared.
    pub quantities: Quantities,
}

/// Whether two runs can be compared: they must have the same shape and task. Models and label words may differ, for
/// example a base model and its fine-tuned version.
pub fn comparable(a: &OpenRun, b: &OpenRun) -> bool {
    a.shape == b.shape && a.task.name == b.task.name
}

impl RunComparison {
    /// Compares two complete runs; `None` if they are incomplete or not comparable.
    pub fn new(a: &OpenRun, b: &OpenRun, metric: Metric) -> Option<Self> {
        if !(comparable(a, b) && a.is_complete() && b.is_complete()) {
            return None;
        }
        let (left, right) = (a.test.tally.accuracies(), b.test.tally.accuracies());
        let shared = shared_examples(test_examples(a), test_examples(b));
        let (first, second) = (&a.test.table, &b.test.table);
        let flips = flips(first, second, &shared, TOP);
        Some(Self {
            a: a.id,
            b: b.id,
            agreement: agreement(&left, &right, a.shape),
            demos: demo_pairs(&a.prompt.demos, &b.prompt.demos),
            labels: label_changes(first, second, &shared),
            movers: movers(first, second, &shared, &flips),
            flips,
            shared,
            quantities: Quantities::new(a, b, metric),
        })
    }

    /// Returns the accuracy of each run on the shared examples: of its mix if that is on, else of its model.
    pub fn accuracies(&self, runs: [&OpenRun; 2]) -> [Option<f64>; 2] {
        self.shares_right(runs, |run| run.predictions(Split::Test))
    }

    /// Returns the accuracy of each run's model on the shared examples.
    pub fn model_accuracies(&self, runs: [&OpenRun; 2]) -> [Option<f64>; 2] {
        self.shares_right(runs, |run| run.test.tally.full_predictions())
    }

    fn shares_right(&self, runs: [&OpenRun; 2], of: impl Fn(&OpenRun) -> &[usize]) -> [Option<f64>; 2] {
        let rows = [|it: &Shared| it.a, |it: &Shared| it.b];
        let count = self.shared.len();
        [0, 1].map(|side| {
            let (run, predicted) = (runs[side], of(runs[side]));
            let is_right = |row: usize| predicted.get(row) == Some(&run.test.items[row].gold);
            let right = self.shared.iter().map(rows[side]).filter(|&row| is_right(row)).count();
            (count > 0).then(|| right as f64 / count as f64)
        })
    }

    /// Compares another quantity, or the same one after the weights changed.
    pub fn update(&mut self, a: &OpenRun, b: &OpenRun, metric: Metric) {
        self.quantities = Quantities::new(a, b, metric);
    }

    /// Returns the label whose share of predictions differs most between the runs.
    pub fn leaning(&self) -> Option<(usize, &LabelChange)> {
        let size = |label: &LabelChange| (label.predicted[1] - label.predicted[0]).abs();
        self.labels.iter().enumerate().max_by(|(_, x), (_, y)| size(x).total_cmp(&size(y)))
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
    /// Each run against the mean of the others; empty for a single run.
    pub from_mean: Vec<FromMean>,
    /// Row and column of the cursor.
    pub at: (usize, usize),
}

impl RunMatrix {
    /// Compares each pair of runs.
    pub fn new(runs: &[&OpenRun]) -> Self {
        let accuracies: Vec<_> = runs.iter().map(|run| (run.test.tally.accuracies(), run.shape)).collect();
        let alone: Vec<Vec<f64>> = accuracies.iter().map(|(values, _)| values.clone()).collect();
        Self {
            runs: runs.iter().map(|run| run.id).collect(),
            from_mean: runs.first().map(|run| from_mean(&alone, run.shape)).unwrap_or_default(),
            agreement: agreements(&accuracies),
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
        let comparison = RunComparison::new(&a, &b, Metric::Accuracy).unwrap();
        assert!((comparison.agreement.pearson.unwrap() - 1.0).abs() < 1e-9);
        let change: f64 = comparison.quantities.change.iter().flatten().sum();
        assert_eq!((comparison.shared.len(), comparison.flips.len(), change), (40, 0, 0.0));
        assert!(comparison.movers.is_none());
    }

    #[test]
    fn components_are_ranked_by_the_size_of_their_change_in_any_quantity() {
        let a = OpenRun::saved(1, fixture::run(&fixture::request(), 40));
        let mut b = OpenRun::saved(2, fixture::run(&fixture::request(), 40));
        b.mixer.move_by(&[7], 3.0);
        b.mixer.mute(&[3]);
        let quantities = Quantities::new(&a, &b, Metric::Weight);
        assert_eq!((&quantities.ranks[..2], quantities.change[3]), (&[3, 7][..], Some(-1.0)));
        assert_eq!(Quantities::new(&a, &b, Metric::TotalEffect).metric, Metric::Accuracy, "no sweep is known");
    }

    #[test]
    fn models_and_label_words_may_differ_but_not_tasks_or_shapes() {
        let compare = |a: &OpenRun, b: &OpenRun| RunComparison::new(a, b, Metric::Accuracy);
        let a = OpenRun::saved(1, fixture::run(&fixture::request(), 4));
        let mut b = a.clone();
        b.task.label_words[0] = " sad".to_owned();
        assert!(compare(&a, &b).is_some());
        b.model.weights_hash = "tuned".to_owned();
        assert!(compare(&a, &b).is_some());
        let mut larger = a.clone();
        larger.shape.layers += 1;
        assert_eq!(compare(&a, &larger), None);
        b.task.name = "another".to_owned();
        assert_eq!(compare(&a, &b), None);
    }
}
