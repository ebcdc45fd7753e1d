//! Statistics of every component as a classifier on its own.

use serde::Serialize;

use crate::{
    analysis::{
        counts::Counts,
        exact::mcnemar,
        fdr::benjamini_hochberg,
        intervals::wilson,
        kind::{Kind, Thresholds},
        permutation::hits_test,
        predict::label_bias,
        tally::Tally,
    },
    attribution::Attribution,
    component::Component,
};
use rayon::prelude::*;

/// Statistics of one component as a classifier, on one split; serialises to a row of `components --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComponentStats {
    /// The component.
    #[serde(rename = "name")]
    pub component: Component,
    /// Number of examples `N`.
    pub n: usize,
    /// Share of examples that it predicts correctly; 0 if there are none.
    pub accuracy: f64,
    /// Wilson interval on the accuracy.
    pub ci: (f64, f64),
    /// Good, bad, label-biased or neutral.
    pub kind: Kind,
    /// Significantly more accurate than the full model (McNemar's exact test, Benjamini-Hochberg adjusted).
    pub beats_full: bool,
    /// Share of examples on which it predicts each label `[Y]`.
    pub predicted: Vec<f64>,
    /// Share of examples on which several labels tie for the largest contribution.
    pub ties: f64,
    /// Graded label bias `1 − H(predicted) / log Y`: 0 if it predicts all labels equally often, 1 if always the same
    /// one.
    pub bias: f64,
    /// Cohen's κ with the gold labels (Cohen 1960); 0 where it is undefined.
    pub kappa: f64,
    /// p-value of the dependence between predicted and gold labels, given both margins ([`hits_test`]).
    pub p: f64,
    /// `p` adjusted over all components (Benjamini-Hochberg).
    pub q: f64,
    /// Adjusted p-value of McNemar's test against the full model.
    pub q_beats_full: f64,
    /// Confusion matrix `[Y, Y]`: examples by gold label (row) and predicted label (column).
    pub confusion: Vec<usize>,
}

/// Computes the statistics of every component on the filled rows of `table`, in the order of its shape.
pub fn summarize(table: &Attribution, thresholds: &Thresholds) -> Vec<ComponentStats> {
    summarize_tally(table, &Tally::from_table(table), thresholds)
}

/// Computes the statistics of every component from the counts `tally` of `table`, in the order of its shape.
pub fn summarize_tally(table: &Attribution, tally: &Tally, thresholds: &Thresholds) -> Vec<ComponentStats> {
    let labels = tally.labels();
    let p: Vec<f64> = tally.counts().par_iter().map(|counts| hits_test(&counts.confusion, labels)).collect();
    let against_full: Vec<f64> =
        tally.counts().par_iter().map(|counts| mcnemar(counts.only_component, counts.only_full)).collect();
    let (q, q_full) = (benjamini_hochberg(&p), benjamini_hochberg(&against_full));
    let components = table.shape().iter().zip(tally.counts()).enumerate();
    components
        .map(|(index, (component, counts))| {
            let mut stats = describe(component, counts, tally.len(), labels, thresholds.z);
            (stats.p, stats.q, stats.q_beats_full) = (p[index], q[index], q_full[index]);
            stats.kind = kind(&stats, thresholds);
            stats.beats_full = q_full[index] <= thresholds.q_beats_full && counts.only_component > counts.only_full;
            stats
        })
        .collect()
}

/// Computes the statistics of one component that need no test.
fn describe(component: Component, counts: &Counts, n: usize, labels: usize, z: f64) -> ComponentStats {
    let share = |count: usize| count as f64 / n.max(1) as f64;
    let predicted: Vec<f64> = counts.predicted.iter().copied().map(share).collect();
    let gold: Vec<f64> = counts.gold(labels).into_iter().map(share).collect();
    ComponentStats {
        component,
        n,
        accuracy: share(counts.hits),
        ci: wilson(counts.hits, n, z),
        kind: Kind::Neutral,
        beats_full: false,
        ties: share(counts.ties),
        bias: label_bias(&counts.predicted),
        kappa: cohen_kappa(share(counts.hits), &gold, &predicted),
        p: 1.0,
        q: 1.0,
        q_beats_full: 1.0,
        confusion: counts.confusion.clone(),
        predicted,
    }
}

fn kind(stats: &ComponentStats, thresholds: &Thresholds) -> Kind {
    match stats {
        stats if stats.n > 0 && stats.predicted.contains(&1.0) => Kind::LabelBiased,
        stats if stats.q <= thresholds.q && stats.kappa > 0.0 => Kind::Good,
        stats if stats.q <= thresholds.q && stats.kappa < 0.0 => Kind::Bad,
        _ => Kind::Neutral,
    }
}

/// Returns Cohen's κ: agreement beyond what the margins explain; 0 if they explain all of it.
fn cohen_kappa(observed: f64, gold: &[f64], predicted: &[f64]) -> f64 {
    let expected: f64 = gold.iter().zip(predicted).map(|(g, p)| g * p).sum();
    if expected >= 1.0 - 1e-12 || predicted.iter().sum::<f64>() == 0.0 {
        0.0
    } else {
        (observed - expected) / (1.0 - expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::testing::{noise, table},
        attribution::Batch,
        component::Shape,
    };

    const SHAPE: Shape = Shape { layers: 2, heads: 3, labels: 2 };

    #[test]
    fn components_of_an_empty_table_are_neutral() {
        let stats = summarize(&Attribution::new(SHAPE, vec![0, 1]), &Thresholds::default());
        assert_eq!(stats.len(), SHAPE.components());
        assert!(stats.iter().all(|s| s.kind == Kind::Neutral && s.n == 0 && s.ci == (0.0, 1.0) && s.q == 1.0));
    }

    #[test]
    fn good_and_bad_components_are_distinguished_from_noise() {
        for labels in [2, 3, 4] {
            let signal = |index| [2.0, -2.0].get(index).copied().unwrap_or(0.0);
            let table = table(Shape { labels, ..SHAPE }, 240, 1, signal);
            let stats = summarize(&table, &Thresholds::default());
            assert_eq!((stats[0].kind, stats[1].kind), (Kind::Good, Kind::Bad), "{labels}");
            assert!(stats[0].kappa > 0.0 && stats[1].kappa < 0.0);
            assert!(stats[2..].iter().all(|s| s.kind == Kind::Neutral), "{labels}");
        }
    }

    #[test]
    fn one_label_on_every_example_is_label_biased_at_any_accuracy() {
        let mut table = Attribution::new(Shape { layers: 1, heads: 1, labels: 2 }, vec![1, 1, 1]);
        let components = vec![0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 2.0, 2.0, 1.0, 0.0, 0.0, 1.0];
        table.push(&Batch { examples: 3, components, rest: vec![0.0; 6], full: vec![0.0; 6], norms: Vec::new() });
        let stats = summarize(&table, &Thresholds::default());
        assert_eq!((stats[0].kind, stats[0].accuracy, stats[0].bias), (Kind::LabelBiased, 1.0, 1.0));
        assert_eq!((stats[1].kind, stats[1].ties), (Kind::Neutral, 1.0 / 3.0));
        assert_eq!(stats[1].confusion, [0, 0, 2, 1]);
    }

    #[test]
    fn serialised_stats_have_the_documented_keys() {
        let row = serde_json::to_value(&summarize(&noise(20, 2, 1), &Thresholds::default())[3]).unwrap();
        assert_eq!((&row["name"], &row["kind"]), (&"L0.MLP".into(), &"neutral".into()));
        for key in ["accuracy", "ci", "beats_full", "predicted", "kappa", "q"] {
            assert!(row.get(key).is_some(), "{key}");
        }
        assert_eq!(row["ci"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn counts_updated_as_the_table_fills_give_the_same_statistics() {
        let whole = noise(40, 3, 5);
        let mut growing = Attribution::new(whole.shape(), whole.all_gold().to_vec());
        let mut tally = Tally::from_table(&growing);
        for part in [0..7, 7..8, 8..40] {
            let rows = whole.filter(|row| part.contains(&row));
            let components =
                (0..rows.shape().components()).flat_map(|index| rows.contribution(index).to_vec()).collect();
            growing.push(&Batch {
                examples: rows.len(),
                components,
                rest: rows.rest().to_vec(),
                full: rows.full().to_vec(),
                norms: Vec::new(),
            });
            tally.update(&growing);
        }
        let thresholds = Thresholds::default();
        assert_eq!(summarize_tally(&growing, &tally, &thresholds), summarize(&whole, &thresholds));
    }
}
