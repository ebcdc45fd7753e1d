//! Comparison of runs: how they differ, and why.
//!
//! [`agreement`] compares the component accuracies of two tables; [`compare`] adds the examples that flipped
//! between two runs and the components that moved them; [`matrix`] compares many runs.

mod agreement;
mod correlation;
mod demo_pairs;
mod flips;
mod from_mean;
mod labels;
mod matrix;
mod measures;
mod movers;
mod transfer;

pub use agreement::{Agreement, agreement, agreements, best_components, iou_of_best, overlap};
pub use correlation::{pearson, ranks, spearman};
pub use demo_pairs::{DemoDifference, DemoPair, DemoSide, demo_pairs};
pub use flips::{Flip, Moved, Shared, flips};
pub use from_mean::{FromMean, column_means, from_mean};
pub use labels::{LabelChange, label_changes};
pub use matrix::{AgreementMatrix, matrix};
pub use measures::{ComponentChange, Measure, component_changes};
pub use movers::{Mover, Movers, Pull, movers};
pub use transfer::{accuracies, transfer};

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::{
    analysis::{
        check::comparable,
        compare::correlation::mean,
        predict::{component_margins, predictions, rival_of},
        tally::Tally,
    },
    attribution::{Attribution, Split},
    error::Result,
    run::Run,
};

/// Two runs side by side, on their test splits. Its serialised form is `compare --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Agreement of component accuracies.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// Accuracy of the full model in each run, on all its test examples.
    pub accuracy: [f64; 2],
    /// Number of test examples of each run.
    pub examples: [usize; 2],
    /// Test examples that both runs have, by id.
    pub shared: usize,
    /// Accuracy of the full model in each run on the shared examples; `None` if no example is shared.
    pub shared_accuracy: Option<[f64; 2]>,
    /// Mean over shared examples of the correlation, over components, of contributions to the margin of the gold label; `None` if
    /// no example is shared or nothing varies.
    pub contribution_pearson: Option<f64>,
    /// Demonstrations of both runs, in the order of the prompts.
    pub demonstrations: Vec<DemoPair>,
    /// Predictions of every label, over shared examples.
    pub labels: Vec<LabelChange>,
    /// Which components moved the flipped examples, all together; `None` if none flipped.
    pub movers: Option<Movers>,
    /// Every component in both runs.
    pub components: Vec<ComponentChange>,
    /// Shared examples whose prediction differs.
    pub flips: Vec<Flip>,
}

/// Compares two runs of one model on the same labels; each flip names its `top` components.
///
/// # Errors
/// Runs of different models or labels.
pub fn compare(a: &Run, b: &Run, top: usize) -> Result<Comparison> {
    comparable(&a.meta, &b.meta)?;
    let shared = shared_examples(test_examples(a), test_examples(b));
    let (rows_a, rows_b): (Vec<usize>, Vec<usize>) = shared.iter().map(|example| (example.a, example.b)).unzip();
    let tallies = [a, b].map(|run| Tally::from_table(&run.test));
    let all_flips = flips(&a.test, &b.test, &shared, top);
    Ok(Comparison {
        agreement: Agreement {
            pearson_disjoint: agreement::on_disjoint_halves(&a.test, &rows_a, &b.test, &rows_b),
            ..agreement(&tallies[0].accuracies(), &tallies[1].accuracies(), a.test.shape())
        },
        accuracy: tallies.each_ref().map(|tally| tally.full_accuracy().unwrap_or(0.0)),
        examples: [a.test.len(), b.test.len()],
        shared: shared.len(),
        shared_accuracy: (!shared.is_empty()).then(|| [right(&a.test, &rows_a), right(&b.test, &rows_b)]),
        contribution_pearson: contribution_correlation(&a.test, &rows_a, &b.test, &rows_b),
        demonstrations: demo_pairs(&a.meta.prompt.demos, &b.meta.prompt.demos),
        labels: label_changes(&a.test, &b.test, &shared),
        movers: movers(&a.test, &b.test, &shared, &all_flips),
        components: component_changes(a.test.shape(), &tallies[0], &tallies[1]),
        flips: all_flips,
    })
}

/// Accuracy of the full model on some rows of a table.
fn right(table: &Attribution, rows: &[usize]) -> f64 {
    let (predicted, gold) = (predictions(table.full(), table.labels()), table.gold());
    rows.iter().filter(|&&row| predicted[row] == gold[row]).count() as f64 / rows.len().max(1) as f64
}

/// Examples with the same id and gold label on both sides, in the order of the first. Each side lists the id and gold
/// label of every row of its table.
pub fn shared_examples<'a>(
    a: impl Iterator<Item = (&'a str, usize)>,
    b: impl Iterator<Item = (&'a str, usize)>,
) -> Vec<Shared> {
    let rows: HashMap<&str, (usize, usize)> = b.enumerate().map(|(row, (id, gold))| (id, (row, gold))).collect();
    let found = a.enumerate().filter_map(|(row, (id, gold))| {
        let &(other, label) = rows.get(id)?;
        (label == gold).then(|| Shared { id: id.to_owned(), a: row, b: other })
    });
    found.collect()
}

/// The test tables of two runs without the examples that only one of them has.
pub fn shared_tables(a: &Run, b: &Run) -> [Attribution; 2] {
    let shared = shared_examples(test_examples(a), test_examples(b));
    let kept = |rows: HashSet<usize>, run: &Run| run.test.filter(|row| rows.contains(&row));
    [
        kept(shared.iter().map(|example| example.a).collect(), a),
        kept(shared.iter().map(|example| example.b).collect(), b),
    ]
}

/// Id and gold label of every row of the test table.
fn test_examples(run: &Run) -> impl Iterator<Item = (&str, usize)> {
    let examples = run.examples.iter().filter(|example| example.split == Split::Test);
    examples.map(|example| example.id.as_str()).zip(run.test.gold().iter().copied())
}

/// Mean over examples of the correlation over components of margin contributions.
fn contribution_correlation(a: &Attribution, rows_a: &[usize], b: &Attribution, rows_b: &[usize]) -> Option<f64> {
    let correlations: Vec<f64> = rows_a
        .iter()
        .zip(rows_b)
        .filter_map(|(&row_a, &row_b)| {
            let (gold, rival) = (a.gold()[row_a], rival_of(a, row_a));
            pearson(&component_margins(a, row_a, gold, rival), &component_margins(b, row_b, gold, rival))
        })
        .collect();
    mean(&correlations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::{SHAPE, run, table};

    #[test]
    fn a_run_agrees_with_itself_and_flips_nothing() {
        let a = run(table(SHAPE, 9, 1, |i| i as f64 / 8.0), table(SHAPE, 150, 2, |i| i as f64 / 8.0));
        let same = compare(&a, &a, 5).unwrap();
        assert!((same.agreement.pearson.unwrap() - 1.0).abs() < 1e-12 && same.flips.is_empty());
        assert_eq!((same.agreement.iou_top5, same.shared), (1.0, 150));
        assert!((same.contribution_pearson.unwrap() - 1.0).abs() < 1e-12);
        assert!(same.agreement.pearson_disjoint.unwrap() < 1.0, "disjoint halves share no luck");
    }

    #[test]
    fn examples_are_matched_by_id() {
        let a = run(table(SHAPE, 9, 1, |_| 0.5), table(SHAPE, 60, 2, |_| 0.5));
        let mut b = a.clone();
        b.test = b.test.filter(|row| row >= 20);
        b.examples.retain(|example| example.split == Split::Train || example.id.as_str() >= "test-020");
        let shared = shared_examples(test_examples(&a), test_examples(&b));
        assert_eq!((shared.len(), shared[0].a, shared[0].b), (40, 20, 0));
        let found = compare(&a, &b, 5).unwrap();
        assert!(found.flips.is_empty());
        let [of_a, of_b] = found.shared_accuracy.unwrap();
        assert_eq!((found.examples, of_a, of_b), ([60, 40], found.accuracy[1], found.accuracy[1]));
        assert_ne!(of_a, found.accuracy[0], "the other twenty examples count elsewhere");
        assert_eq!(shared_tables(&a, &b).map(|table| table.len()), [40, 40]);
        let mut other = b;
        other.examples.iter_mut().for_each(|example| example.id.push('x'));
        assert_eq!(compare(&a, &other, 5).unwrap().shared_accuracy, None);
    }

    #[test]
    fn json_has_the_documented_keys() {
        let a = run(table(SHAPE, 9, 1, |_| 0.5), table(SHAPE, 30, 2, |_| 0.5));
        let b = run(table(SHAPE, 9, 1, |_| 0.5), table(SHAPE, 30, 3, |_| 0.5));
        let json = serde_json::to_value(compare(&a, &b, 3).unwrap()).unwrap();
        for key in [
            "pearson",
            "spearman",
            "iou_top5",
            "accuracy",
            "examples",
            "shared",
            "shared_accuracy",
            "flips",
            "demonstrations",
            "labels",
            "movers",
        ] {
            assert!(json.get(key).is_some(), "{key}");
        }
        let flip = &json["flips"][0];
        assert!(flip["id"].is_string() && flip["gold"].is_u64() && flip["a"] != flip["b"]);
        assert!(flip["components"][0]["name"].is_string() && flip["components"][0]["delta"].is_f64());
        let mover = &json["movers"]["components"][0];
        assert!(mover["name"].is_string() && mover["mean"].is_f64() && mover["ci"][1].is_f64());
        assert!(json["components"][0]["accuracy"][1].is_f64() && json["components"][0]["margin"][0].is_f64());
    }
}
