//! The first table of the paper: accuracy by method.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    estimates::{MEASURES, MethodEstimates, estimates},
    row::ProtocolRow,
};
use crate::analysis::{Method, bootstrap::Estimate};

/// Difference below which mean accuracies are equal but for rounding.
const SAME: f64 = 1e-9;

/// Accuracy of one method over all tasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccuracyRow {
    /// The method.
    pub method: Method,
    /// Mean and standard deviation (with `n − 1`) over the runs of each task.
    pub tasks: BTreeMap<String, (f64, f64)>,
    /// Mean over tasks of their means.
    pub mean: f64,
    /// 95% bootstrap interval of that mean, over demonstration sets, templates and examples.
    pub ci: (f64, f64),
    /// The same of the accuracy minus that of the default method on the same runs; `None` without it.
    pub difference: Option<Mean>,
    /// Tasks on which the mean is above that of the default method.
    pub wins: usize,
    /// Tasks on which it is below.
    pub losses: usize,
    /// Means over tasks of the other measures, `None` for a method without probabilities; their intervals are over
    /// demonstration sets and templates, for the test examples as they are.
    #[serde(flatten)]
    pub measures: BTreeMap<&'static str, Option<Mean>>,
}

/// Mean over tasks with its 95% bootstrap interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// The interval.
    pub ci: (f64, f64),
}

impl From<Estimate> for Mean {
    fn from(Estimate { mean, ci }: Estimate) -> Self {
        Self { mean, ci }
    }
}

/// Computes the accuracy table, in the order of [`Method`].
pub fn accuracy_table(rows: &[ProtocolRow]) -> Vec<AccuracyRow> {
    let mut by_task: BTreeMap<&str, Vec<&ProtocolRow>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.counted) {
        by_task.entry(&row.task).or_default().push(row);
    }
    let methods: BTreeSet<Method> = by_task.values().flatten().flat_map(|row| row.accuracy.keys().copied()).collect();
    let tasks: Vec<Vec<&ProtocolRow>> = by_task.values().cloned().collect();
    let estimates = estimates(&tasks, &methods);
    methods.into_iter().map(|method| accuracy_row(method, &by_task, &estimates)).collect()
}

fn accuracy_row(
    method: Method,
    by_task: &BTreeMap<&str, Vec<&ProtocolRow>>,
    estimates: &BTreeMap<Method, MethodEstimates>,
) -> AccuracyRow {
    let deviation = |(task, rows): (&&str, &Vec<&ProtocolRow>)| {
        let values: Vec<f64> = rows.iter().filter_map(|row| row.accuracy.get(&method).copied()).collect();
        ((*task).to_owned(), mean_and_deviation(&values))
    };
    let tasks: BTreeMap<String, (f64, f64)> = by_task.iter().map(deviation).collect();
    let mean = tasks.values().map(|(mean, _)| mean).sum::<f64>() / tasks.len().max(1) as f64;
    let gain = |row: &&ProtocolRow| Some(row.accuracy.get(&method)? - row.accuracy.get(&Method::Partscope)?);
    let gains: Vec<f64> = by_task.values().map(|rows| rows.iter().filter_map(gain).sum()).collect();
    let estimated = estimates.get(&method).copied().unwrap_or_default();
    AccuracyRow {
        method,
        mean,
        ci: estimated.accuracy.map_or((f64::NAN, f64::NAN), |Estimate { ci, .. }| ci),
        difference: estimated.difference.map(Mean::from),
        wins: gains.iter().filter(|gain| **gain > SAME).count(),
        losses: gains.iter().filter(|gain| **gain < -SAME).count(),
        measures: MEASURES.into_iter().zip(estimated.measures.map(|measure| measure.map(Mean::from))).collect(),
        tasks,
    }
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 })
}
