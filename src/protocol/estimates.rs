//! Bootstrap estimates of all methods. Methods that were scored on the same runs share the draws.

use std::collections::{BTreeMap, BTreeSet};

use super::row::ProtocolRow;
use crate::analysis::{
    Hits, Method,
    bootstrap::{Estimate, ExampleDraw, HitTable, Resampling, RunPlace, TaskRuns},
};

/// Number of bootstrap resamples.
const DRAWS: usize = 1000;
/// Measures beside accuracy, whose estimates take test examples as they are.
pub(super) const MEASURES: [&str; 4] = ["macro_f1", "ece", "nll", "share_sd"];

/// Estimates for one method; `None` where a task has no values of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MethodEstimates {
    pub(super) accuracy: Option<Estimate>,
    /// Accuracy minus that of the default method.
    pub(super) difference: Option<Estimate>,
    /// In the order of [`MEASURES`].
    pub(super) measures: [Option<Estimate>; MEASURES.len()],
}

/// Rows of each task that have a value.
type RowSet<'a> = Vec<Vec<&'a ProtocolRow>>;

/// Estimates all `methods` over the rows of each task.
pub(super) fn estimates(tasks: &[Vec<&ProtocolRow>], methods: &BTreeSet<Method>) -> BTreeMap<Method, MethodEstimates> {
    let mut estimates: BTreeMap<Method, MethodEstimates> =
        methods.iter().map(|own| (*own, MethodEstimates::default())).collect();
    for (rows, methods) in scored_alike(tasks, methods) {
        let with_default = methods.contains(&Method::Partscope);
        for (method, [accuracy, difference]) in of_hits(&kept(tasks, &rows), &methods) {
            let own = estimates.entry(method).or_default();
            if rows == having(tasks, |row| row.details.hits.contains_key(&method)) {
                own.accuracy = Some(accuracy);
            }
            if with_default && rows == having(tasks, |row| has_both(row, method)) {
                own.difference = Some(difference);
            }
        }
    }
    for (rows, series) in measured_alike(tasks, methods) {
        for ((method, measure), estimate) in of_measures(&kept(tasks, &rows), &series) {
            estimates.entry(method).or_default().measures[measure] = Some(estimate);
        }
    }
    estimates
}

fn has_both(row: &ProtocolRow, method: Method) -> bool {
    row.details.hits.contains_key(&method) && row.details.hits.contains_key(&Method::Partscope)
}

/// Returns for every row whether it has a value.
fn having(tasks: &[Vec<&ProtocolRow>], has: impl Fn(&ProtocolRow) -> bool) -> Vec<bool> {
    tasks.iter().flatten().map(|row| has(row)).collect()
}

fn kept<'a>(tasks: &[Vec<&'a ProtocolRow>], rows: &[bool]) -> RowSet<'a> {
    let mut rows = rows.iter();
    let mut of_task =
        |task: &Vec<&'a ProtocolRow>| task.iter().copied().filter(|_| rows.next().is_some_and(|kept| *kept)).collect();
    tasks.iter().map(&mut of_task).collect()
}

/// Returns the methods by the rows that have their predictions, or theirs and those of the default method.
fn scored_alike(tasks: &[Vec<&ProtocolRow>], methods: &BTreeSet<Method>) -> BTreeMap<Vec<bool>, BTreeSet<Method>> {
    let mut alike: BTreeMap<_, BTreeSet<Method>> = BTreeMap::new();
    for &method in methods {
        alike.entry(having(tasks, |row| row.details.hits.contains_key(&method))).or_default().insert(method);
        if methods.contains(&Method::Partscope) {
            alike.entry(having(tasks, |row| has_both(row, method))).or_default().extend([method, Method::Partscope]);
        }
    }
    alike
}

/// Returns the measures of methods by the rows that have them.
fn measured_alike(
    tasks: &[Vec<&ProtocolRow>],
    methods: &BTreeSet<Method>,
) -> BTreeMap<Vec<bool>, Vec<(Method, usize)>> {
    let mut alike: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for &method in methods {
        for measure in 0..MEASURES.len() {
            let rows = having(tasks, |row| value(row, method, measure).is_some());
            alike.entry(rows).or_default().push((method, measure));
        }
    }
    alike
}

fn value(row: &ProtocolRow, method: Method, measure: usize) -> Option<f64> {
    let all = &row.measures;
    [&all.macro_f1, &all.ece, &all.nll, &all.share_sd][measure].get(&method).copied().flatten()
}

/// Returns the runs of every task for the bootstrap; `examples` counts the values of its rows.
fn runs(rows: &RowSet<'_>, examples: impl Fn(&[&ProtocolRow]) -> usize) -> Vec<TaskRuns> {
    let of_task = |rows: &Vec<&ProtocolRow>| {
        let seeds: BTreeSet<u64> = rows.iter().map(|row| row.demo_seed).collect();
        let places: BTreeMap<u64, usize> = seeds.into_iter().zip(0..).collect();
        let mut templates = BTreeMap::new();
        let mut place = |row: &&ProtocolRow| {
            let next = templates.len();
            let template = *templates.entry(row.template.clone()).or_insert(next);
            RunPlace { template, demos: places.get(&row.demo_seed).copied().unwrap_or(0) }
        };
        TaskRuns { runs: rows.iter().map(&mut place).collect(), examples: examples(rows) }
    };
    rows.iter().map(of_task).collect()
}

fn own_hits<'a>(row: &'a ProtocolRow, methods: &BTreeSet<Method>) -> Vec<&'a Hits> {
    methods.iter().filter_map(|method| row.details.hits.get(method)).collect()
}

/// Estimates the accuracy of methods, and its difference from the default method's if that is one of them.
fn of_hits(rows: &RowSet<'_>, methods: &BTreeSet<Method>) -> Vec<(Method, [Estimate; 2])> {
    let table = |row: &&ProtocolRow| HitTable::new(&own_hits(row, methods));
    let hits: Vec<Vec<HitTable>> = rows.iter().map(|rows| rows.iter().map(table).collect()).collect();
    let shortest = |rows: &[&ProtocolRow]| {
        let lengths = rows.iter().flat_map(|row| own_hits(row, methods)).map(Hits::len);
        lengths.min().unwrap_or(0)
    };
    let tasks = runs(rows, shortest);
    let Some(resampling) = Resampling::new(&tasks, DRAWS, 0) else { return Vec::new() };
    let count = methods.len();
    let default = methods.iter().position(|method| *method == Method::Partscope).unwrap_or(0);
    let fill = |task: usize, run: usize, drawn: &ExampleDraw, out: &mut [f64]| {
        let (right, differences) = out.split_at_mut(count);
        drawn.count_right(&hits[task][run], right);
        let (examples, by_default) = (drawn.len() as f64, right[default]);
        for (right, difference) in right.iter_mut().zip(differences) {
            *difference = (*right - by_default) / examples;
            *right /= examples;
        }
    };
    let all = resampling.estimates(2 * count, &fill);
    methods.iter().enumerate().map(|(at, method)| (*method, [all[at], all[count + at]])).collect()
}

/// Estimates measures that have one value a run.
fn of_measures(rows: &RowSet<'_>, series: &[(Method, usize)]) -> Vec<((Method, usize), Estimate)> {
    let of_row = |row: &&ProtocolRow| {
        series.iter().map(|&(method, measure)| value(row, method, measure).unwrap_or(f64::NAN)).collect::<Vec<f64>>()
    };
    let values: Vec<Vec<Vec<f64>>> = rows.iter().map(|rows| rows.iter().map(of_row).collect()).collect();
    let tasks = runs(rows, |_| 1);
    let Some(resampling) = Resampling::new(&tasks, DRAWS, 0) else { return Vec::new() };
    let fill = |task: usize, run: usize, _: &ExampleDraw, out: &mut [f64]| out.copy_from_slice(&values[task][run]);
    series.iter().copied().zip(resampling.estimates(series.len(), &fill)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A row with these methods; each has other hits and measures in every row.
    fn row(seed: u64, methods: &[Method]) -> ProtocolRow {
        let values = |scale: f64| -> BTreeMap<String, f64> {
            methods.iter().map(|own| (own.to_string(), scale * (seed + 1) as f64)).collect()
        };
        let mut row: ProtocolRow = serde_json::from_value(json!({
            "task": "topic", "template": "t", "demo_seed": seed, "counted": true, "n": 9, "leaked": 0, "duplicates": 0,
            "chance": 0.5, "accuracy": values(0.1), "macro_f1": values(0.1), "ece": values(0.2), "nll": values(0.3),
            "share_sd": values(0.4), "intervals": {}, "held_out_best": null, "label_biased_n": 9,
            "share": {"good": 0.0, "bad": 0.0, "label_biased": 0.0}, "max_rel": 0.0,
        }))
        .unwrap();
        let hits =
            |at: usize| (0..9).map(|example: usize| !(example * (at + 2) + seed as usize).is_multiple_of(3)).collect();
        row.details.hits = methods.iter().enumerate().map(|(at, method)| (*method, hits(at))).collect();
        row
    }

    fn estimated(rows: &[&ProtocolRow]) -> BTreeMap<Method, MethodEstimates> {
        let methods = rows.iter().flat_map(|row| row.accuracy.keys().copied()).collect();
        estimates(&[rows.to_vec()], &methods)
    }

    #[test]
    fn a_method_is_estimated_over_the_rows_that_have_it() {
        let all = [Method::Standard, Method::Partscope];
        let rows = [row(0, &all), row(1, &all), row(2, &[Method::Standard])];
        let (together, both) = (estimated(&rows.each_ref()), estimated(&[&rows[0], &rows[1]]));
        assert_eq!(together[&Method::Partscope].accuracy, both[&Method::Partscope].accuracy);
        assert_eq!(together[&Method::Partscope].measures, both[&Method::Partscope].measures);
        assert_eq!(together[&Method::Standard].difference, both[&Method::Standard].difference);
        assert_ne!(together[&Method::Standard].accuracy, both[&Method::Standard].accuracy);
        let alone = estimated(&[&rows[2]]);
        assert!(alone[&Method::Standard].accuracy.is_some() && alone[&Method::Standard].difference.is_none());
    }

    #[test]
    fn seeds_are_places_and_may_be_large() {
        let interval = |last: u64| {
            let rows = [row(3, &[Method::Standard]), ProtocolRow { demo_seed: last, ..row(8, &[Method::Standard]) }];
            estimated(&rows.each_ref())[&Method::Standard].accuracy.map(|estimate| estimate.ci)
        };
        assert_eq!(interval(8), interval(u64::MAX));
    }
}
