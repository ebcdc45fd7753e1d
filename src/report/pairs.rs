//! Comparisons of each run with the first.

use super::run_report::RunReport;
use crate::{
    analysis::{
        check::comparable,
        compare::{Agreement, Comparison, agreement, compare},
    },
    error::Result,
};

/// Number of components listed per flipped example.
const TOP: usize = 5;

/// Two comparable runs and their comparison.
#[derive(Clone, Debug)]
pub(super) struct Pair<'a> {
    /// The first run.
    pub(super) a: &'a RunReport<'a>,
    /// The second run.
    pub(super) b: &'a RunReport<'a>,
    /// Their comparison.
    pub(super) comparison: Comparison,
}

impl<'a> Pair<'a> {
    /// Compares the first run with each other run that is comparable with it.
    ///
    /// # Errors
    /// As [`compare`].
    pub(super) fn with_first(reports: &'a [RunReport<'a>]) -> Result<Vec<Self>> {
        let Some((a, others)) = reports.split_first() else { return Ok(Vec::new()) };
        let comparable_runs = others.iter().filter(|b| comparable(&a.run.meta, &b.run.meta).is_ok());
        comparable_runs.map(|b| Ok(Self { a, b, comparison: compare(a.run, b.run, TOP)? })).collect()
    }
}

/// Returns the agreement of all pairs of runs, `[runs][runs]`; `None` for runs of different models.
pub(super) fn matrix(reports: &[RunReport<'_>]) -> Vec<Vec<Option<Agreement>>> {
    let accuracies: Vec<Vec<f64>> =
        reports.iter().map(|report| report.components.iter().map(|stats| stats.accuracy).collect()).collect();
    let agreement_of = |i: usize, j: usize| {
        let (a, b) = (reports[i].run, reports[j].run);
        let same =
            a.meta.model.weights_hash == b.meta.model.weights_hash && a.test.shape().layers == b.test.shape().layers;
        same.then(|| agreement(&accuracies[i], &accuracies[j], a.test.shape()))
    };
    (0..reports.len()).map(|i| (0..reports.len()).map(|j| agreement_of(i, j)).collect()).collect()
}
