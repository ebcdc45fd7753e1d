//! Every run beside the first.

use super::run_report::RunReport;
use crate::{
    analysis::{
        check::comparable,
        compare::{Agreement, Comparison, agreement, compare},
    },
    error::Result,
};

/// Components named per flipped example.
const TOP: usize = 5;

/// Two runs of one model and task.
#[derive(Clone, Debug)]
pub(super) struct Pair<'a> {
    /// The first.
    pub(super) a: &'a RunReport<'a>,
    /// The second.
    pub(super) b: &'a RunReport<'a>,
    /// How they differ.
    pub(super) comparison: Comparison,
}

impl<'a> Pair<'a> {
    /// The first run with each other one that it can be compared with.
    ///
    /// # Errors
    /// As [`compare`].
    pub(super) fn with_first(digests: &'a [RunReport<'a>]) -> Result<Vec<Self>> {
        let Some((a, others)) = digests.split_first() else { return Ok(Vec::new()) };
        let alike = others.iter().filter(|b| comparable(&a.run.meta, &b.run.meta).is_ok());
        alike.map(|b| Ok(Self { a, b, comparison: compare(a.run, b.run, TOP)? })).collect()
    }
}

/// Agreement of all pairs of runs; `None` for runs that cannot be compared, such as those of other models.
pub(super) fn matrix(digests: &[RunReport<'_>]) -> Vec<Vec<Option<Agreement>>> {
    let accuracies: Vec<Vec<f64>> =
        digests.iter().map(|digest| digest.components.iter().map(|stats| stats.accuracy).collect()).collect();
    let of = |i: usize, j: usize| {
        let (a, b) = (digests[i].run, digests[j].run);
        let same =
            a.meta.model.weights_hash == b.meta.model.weights_hash && a.test.shape().layers == b.test.shape().layers;
        same.then(|| agreement(&accuracies[i], &accuracies[j], a.test.shape()))
    };
    (0..digests.len()).map(|i| (0..digests.len()).map(|j| of(i, j)).collect()).collect()
}
