//! The paper's two tables: accuracy by method, and agreement of component accuracies between runs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{hits::Hits, row::ProtocolRow};
use crate::analysis::{
    Method,
    bootstrap::{BootstrapCell, Estimate, bootstrap_tasks},
    compare::{iou_of_best, pearson},
};

/// Number of best components whose overlap is measured.
const BEST: usize = 5;
/// Difference below which mean accuracies are equal but for rounding.
const SAME: f64 = 1e-9;
/// Number of bootstrap resamples.
const DRAWS: usize = 1000;

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
    let counted: Vec<&ProtocolRow> = rows.iter().filter(|row| row.counted).collect();
    let methods: std::collections::BTreeSet<Method> =
        counted.iter().flat_map(|row| row.accuracy.keys().copied()).collect();
    methods.into_iter().map(|method| accuracy_row(method, &counted)).collect()
}

fn accuracy_row(method: Method, rows: &[&ProtocolRow]) -> AccuracyRow {
    let mut by_task: BTreeMap<&str, Vec<&ProtocolRow>> = BTreeMap::new();
    for row in rows {
        by_task.entry(&row.task).or_default().push(row);
    }
    let tasks: BTreeMap<String, (f64, f64)> = by_task
        .iter()
        .map(|(task, rows)| {
            let values: Vec<f64> = rows.iter().filter_map(|row| row.accuracy.get(&method).copied()).collect();
            ((*task).to_owned(), mean_and_deviation(&values))
        })
        .collect();
    let estimate = |values: &dyn Fn(&ProtocolRow) -> Option<Vec<f64>>| {
        let valued: Vec<Vec<(&ProtocolRow, Vec<f64>)>> =
            by_task.values().map(|rows| rows.iter().filter_map(|row| Some((*row, values(row)?))).collect()).collect();
        let cells: Vec<Vec<BootstrapCell>> = valued.iter().map(|rows| cells(rows)).collect();
        let cells: Vec<&[BootstrapCell]> = cells.iter().map(Vec::as_slice).collect();
        bootstrap_tasks(&cells, DRAWS, 0)
    };
    let mean = tasks.values().map(|(mean, _)| mean).sum::<f64>() / tasks.len().max(1) as f64;
    let ci = estimate(&|row| row.details.hits.get(&method).map(Hits::values))
        .map_or((f64::NAN, f64::NAN), |Estimate { ci, .. }| ci);
    let difference = estimate(&|row| {
        let hits = |method| row.details.hits.get(&method).map(Hits::values);
        let (own, default) = (hits(method)?, hits(Method::Partscope)?);
        Some(own.iter().zip(default).map(|(own, default)| own - default).collect())
    });
    let against = |rows: &[&ProtocolRow]| {
        let gain = |row: &&ProtocolRow| Some(row.accuracy.get(&method)? - row.accuracy.get(&Method::Partscope)?);
        rows.iter().filter_map(gain).sum::<f64>()
    };
    let gains: Vec<f64> = by_task.values().map(|rows| against(rows)).collect();
    let measures = [("macro_f1", 0), ("ece", 1), ("nll", 2), ("share_sd", 3)].map(|(name, index)| {
        let of = |row: &ProtocolRow| {
            let all = &row.measures;
            let column = [&all.macro_f1, &all.ece, &all.nll, &all.share_sd][index];
            column.get(&method).copied().flatten().map(|value| vec![value])
        };
        (name, estimate(&of).map(Mean::from))
    });
    AccuracyRow {
        method,
        mean,
        ci,
        difference: difference.map(Mean::from),
        wins: gains.iter().filter(|gain| **gain > SAME).count(),
        losses: gains.iter().filter(|gain| **gain < -SAME).count(),
        measures: measures.into_iter().collect(),
        tasks,
    }
}

/// Returns the runs of one task with their values as cells of the bootstrap.
fn cells<'a>(rows: &'a [(&ProtocolRow, Vec<f64>)]) -> Vec<BootstrapCell<'a>> {
    let mut templates: Vec<&str> = rows.iter().map(|(row, _)| row.template.as_str()).collect();
    templates.dedup();
    let cell = |(row, values): &'a (&ProtocolRow, Vec<f64>)| {
        let template = templates.iter().position(|name| *name == row.template)?;
        Some(BootstrapCell { template, demos: row.demo_seed as usize, values })
    };
    rows.iter().filter_map(cell).collect()
}

/// Agreement of component accuracies between the runs of one task, as means over pairs of runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgreementRow {
    /// Name of the task.
    pub task: String,
    /// Pearson's r over component accuracies.
    pub pearson: Pairs,
    /// Pearson's r with the two runs scored on disjoint halves of the examples, so that shared examples cannot inflate
    /// it.
    pub pearson_disjoint: Pairs,
    /// Overlap of the best five components: intersection over union.
    pub iou_top5: Pairs,
}

/// Means over three types of pairs of runs; `None` if there is no such pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pairs {
    /// Same template, other demonstrations.
    pub demos: Option<f64>,
    /// Same demonstrations, other template.
    pub templates: Option<f64>,
    /// Same demonstrations, the contrasting template.
    pub contrastive: Option<f64>,
}

/// Computes the agreement table, with tasks in the order of `rows`.
pub fn agreement(rows: &[ProtocolRow]) -> Vec<AgreementRow> {
    let mut tasks: Vec<&str> = rows.iter().map(|row| row.task.as_str()).collect();
    tasks.dedup();
    tasks.into_iter().map(|task| agreement_of(task, rows)).collect()
}

fn agreement_of(task: &str, rows: &[ProtocolRow]) -> AgreementRow {
    let rows: Vec<&ProtocolRow> = rows.iter().filter(|row| row.task == task).collect();
    let pairs: Vec<(&ProtocolRow, &ProtocolRow)> =
        rows.iter().enumerate().flat_map(|(i, a)| rows[i + 1..].iter().map(move |b| (*a, *b))).collect();
    let over = |measure: &dyn Fn(&ProtocolRow, &ProtocolRow) -> Option<f64>| {
        let mean = |wanted: &dyn Fn(&ProtocolRow, &ProtocolRow) -> bool| {
            let values: Vec<f64> =
                pairs.iter().filter(|(a, b)| wanted(a, b)).filter_map(|(a, b)| measure(a, b)).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let counted = |a: &ProtocolRow, b: &ProtocolRow| a.counted && b.counted;
        Pairs {
            demos: mean(&|a, b| counted(a, b) && a.template == b.template),
            templates: mean(&|a, b| counted(a, b) && a.template != b.template && a.demo_seed == b.demo_seed),
            contrastive: mean(&|a, b| contrast(a, b) && a.demo_seed == b.demo_seed),
        }
    };
    AgreementRow {
        task: task.to_owned(),
        pearson: over(&|a, b| pearson(&a.details.components, &b.details.components)),
        pearson_disjoint: over(&|a, b| {
            let [[a0, a1], [b0, b1]] = [&a.details.component_halves, &b.details.component_halves];
            Some(f64::midpoint(pearson(a0, b1)?, pearson(a1, b0)?))
        }),
        iou_top5: over(&|a, b| Some(iou_of_best(&a.details.components, &b.details.components, BEST, a.details.shape?))),
    }
}

fn contrast(a: &ProtocolRow, b: &ProtocolRow) -> bool {
    a.details.contrast.as_ref() == Some(&b.template) || b.details.contrast.as_ref() == Some(&a.template)
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 })
}
