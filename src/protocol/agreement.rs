//! The second table of the paper: agreement of component accuracies between runs.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::{component_hits::ComponentHits, row::ProtocolRow};
use crate::analysis::compare::{best_components, overlap, pearson};

/// Number of best components whose overlap is measured.
const BEST: usize = 5;

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
    tasks.into_par_iter().map(|task| agreement_of(task, rows)).collect()
}

/// Accuracies of the components in one run.
struct Scored<'a> {
    row: &'a ProtocolRow,
    all: Vec<f64>,
    halves: [Vec<f64>; 2],
    best: Vec<usize>,
}

impl<'a> Scored<'a> {
    fn new(row: &'a ProtocolRow) -> Self {
        let all = row.details.components.accuracies();
        let best = row.details.shape.map_or_else(Vec::new, |shape| best_components(&all, BEST, shape));
        Self { row, halves: row.details.component_halves.each_ref().map(ComponentHits::accuracies), all, best }
    }
}

/// A mean that is added up.
#[derive(Clone, Copy, Default)]
struct Sum(f64, usize);

impl Sum {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            *self = Self(self.0 + value, self.1 + 1);
        }
    }

    fn mean(self) -> Option<f64> {
        (self.1 > 0).then(|| self.0 / self.1 as f64)
    }
}

fn agreement_of(task: &str, rows: &[ProtocolRow]) -> AgreementRow {
    let runs: Vec<Scored<'_>> = rows.iter().filter(|row| row.task == task).map(Scored::new).collect();
    let (mut by_template, mut by_demos) = (BTreeMap::<&str, Vec<usize>>::new(), BTreeMap::<u64, Vec<usize>>::new());
    for (at, run) in runs.iter().enumerate() {
        by_template.entry(&run.row.template).or_default().push(at);
        by_demos.entry(run.row.demo_seed).or_default().push(at);
    }
    let counted = |a: &Scored<'_>, b: &Scored<'_>| a.row.counted && b.row.counted;
    let [mut demos, mut templates, mut contrastive] = [[Sum::default(); 3]; 3];
    for (at, a) in runs.iter().enumerate() {
        let later = |others: &'_ [usize]| {
            others.iter().filter(|&&other| other > at).map(|&other| &runs[other]).collect::<Vec<_>>()
        };
        for b in later(&by_template[a.row.template.as_str()]).into_iter().filter(|b| counted(a, b)) {
            add(&mut demos, a, b);
        }
        for b in later(&by_demos[&a.row.demo_seed]) {
            if counted(a, b) && a.row.template != b.row.template {
                add(&mut templates, a, b);
            }
            if contrast(a.row, b.row) {
                add(&mut contrastive, a, b);
            }
        }
    }
    let pairs = |measure: usize| Pairs {
        demos: demos[measure].mean(),
        templates: templates[measure].mean(),
        contrastive: contrastive[measure].mean(),
    };
    AgreementRow { task: task.to_owned(), pearson: pairs(0), pearson_disjoint: pairs(1), iou_top5: pairs(2) }
}

/// Adds the agreement of two runs by each measure.
fn add(sums: &mut [Sum; 3], a: &Scored<'_>, b: &Scored<'_>) {
    let disjoint = || Some(f64::midpoint(pearson(&a.halves[0], &b.halves[1])?, pearson(&a.halves[1], &b.halves[0])?));
    let overlaps = a.row.details.shape.map(|_| overlap(&a.best, &b.best));
    sums.iter_mut().zip([pearson(&a.all, &b.all), disjoint(), overlaps]).for_each(|(sum, value)| sum.add(value));
}

fn contrast(a: &ProtocolRow, b: &ProtocolRow) -> bool {
    a.details.contrast.as_ref() == Some(&b.template) || b.details.contrast.as_ref() == Some(&a.template)
}
