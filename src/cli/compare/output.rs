//! What `partscope compare` reports.

use serde::Serialize;

use crate::{
    analysis::{
        Tally,
        compare::{Comparison, FromMean, accuracies, from_mean, shared_tables, transfer},
        reweight::partscope,
    },
    cancel::Cancel,
    cli::failure::Failure,
    run::Run,
};

/// Test accuracy of the mixes of both runs, on both runs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Transfer {
    /// Accuracy of each run's mix on each run, `[fitted on, scored on]`, and of the unweighted model: on all test examples
    /// of each run.
    pub(super) accuracy: Vec<Vec<f64>>,
    /// Accuracy of each run's mix on the shared test examples; empty if there are none.
    pub(super) shared_accuracy: Vec<Vec<f64>>,
}

/// The comparison with what the options add.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    #[serde(flatten)]
    pub(super) comparison: Comparison,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mixes: Option<Transfer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) against_mean: Vec<NamedFromMean>,
}

/// A run against the mean of the others.
#[derive(Debug, Serialize)]
pub(super) struct NamedFromMean {
    pub(super) run: String,
    #[serde(flatten)]
    pub(super) from_mean: FromMean,
}

/// Fits the default mix on the training split of each run and scores it on both test splits.
pub(super) fn mixes(a: &Run, b: &Run) -> Result<Transfer, Failure> {
    let fits = [a, b].map(|run| partscope(&run.train, &Cancel::default()));
    let [first, second] = fits;
    let fits = [first?, second?];
    let shared = shared_tables(a, b);
    let shared_accuracy = if shared[0].is_empty() { Vec::new() } else { accuracies(&fits, &shared) };
    Ok(Transfer { accuracy: transfer(&fits, &[a, b])?, shared_accuracy })
}

pub(super) fn against_mean(runs: &[Run]) -> Result<Vec<NamedFromMean>, Failure> {
    for run in &runs[1..] {
        crate::analysis::compare::matrix(&[&runs[0], run])?;
    }
    let accuracies: Vec<Vec<f64>> = runs.iter().map(|run| Tally::from_table(&run.test).accuracies()).collect();
    let found = from_mean(&accuracies, runs[0].test.shape());
    let named = runs.iter().zip(found);
    Ok(named.map(|(run, from_mean)| NamedFromMean { run: run.meta.name(), from_mean }).collect())
}
