//! Rows of a sweep as one table: a row a cell, a column a number.

use std::collections::BTreeMap;

use super::manifest::{Manifest, SweepCell};
use crate::{
    analysis::Method,
    protocol::ProtocolRow,
    report::table::{Table, Values},
};

/// Measures with a column for every method.
const MEASURES: [&str; 6] = ["accuracy", "macro_f1", "ece", "nll", "share_sd", "difference"];

/// Columns that are filled row by row.
#[derive(Default)]
pub(super) struct CellTable {
    texts: [Vec<String>; 5],
    counts: [Vec<Option<i64>>; 7],
    numbers: [Vec<Option<f64>>; 7],
    /// By place in [`MEASURES`] and method; shorter than the table until the next value.
    measures: BTreeMap<(usize, Method), Vec<Option<f64>>>,
    rows: usize,
}

impl CellTable {
    /// Adds the row of a cell.
    pub(super) fn push(&mut self, manifest: &Manifest, cell: &SweepCell, row: &ProtocolRow) {
        let best = row.held_out_best;
        let texts = [
            cell.id.clone(),
            manifest.models[cell.model].name.clone(),
            row.task.clone(),
            row.template.clone(),
            best.map_or_else(String::new, |best| best.component.to_string()),
        ];
        let counts = [
            Some(row.demo_seed as i64),
            Some(cell.budget as i64),
            cell.shots.map(|shots| shots as i64),
            Some(i64::from(row.counted)),
            Some(row.n as i64),
            Some(row.leaked as i64),
            Some(row.duplicates as i64),
        ];
        let share = row.share;
        let numbers = [
            Some(row.chance),
            best.map(|best| best.accuracy),
            best.map(|best| best.in_sample),
            Some(share.good),
            Some(share.bad),
            Some(share.label_biased),
            Some(row.max_rel),
        ];
        self.texts.iter_mut().zip(texts).for_each(|(column, value)| column.push(value));
        self.counts.iter_mut().zip(counts).for_each(|(column, value)| column.push(value));
        self.numbers.iter_mut().zip(numbers).for_each(|(column, value)| column.push(value));
        for (method, accuracy) in &row.accuracy {
            self.set(0, *method, Some(*accuracy));
        }
        let all = &row.measures;
        for (at, column) in [&all.macro_f1, &all.ece, &all.nll, &all.share_sd, &all.difference].into_iter().enumerate()
        {
            for (method, value) in column {
                self.set(at + 1, *method, *value);
            }
        }
        self.rows += 1;
    }

    /// Sets a measure of a method in the row that is being added.
    fn set(&mut self, measure: usize, method: Method, value: Option<f64>) {
        let column = self.measures.entry((measure, method)).or_default();
        column.resize(self.rows, None);
        column.push(value);
    }

    /// Returns the table.
    pub(super) fn finish(self) -> Table {
        let mut table = Table::new();
        let names = ["cell", "model", "task", "template", "held_out_best"];
        for (name, values) in names.into_iter().zip(self.texts) {
            table = table.text(name, values);
        }
        let names = ["demo_seed", "budget", "shots", "counted", "n", "leaked", "duplicates"];
        for (name, values) in names.into_iter().zip(self.counts) {
            table = table.push(name, Values::Count(values));
        }
        let names =
            ["chance", "held_out_best_accuracy", "held_out_best_in_sample", "good", "bad", "label_biased", "max_rel"];
        for (name, values) in names.into_iter().zip(self.numbers) {
            table = table.number(name, values);
        }
        for ((measure, method), mut values) in self.measures {
            values.resize(self.rows, None);
            table = table.number(&format!("{}_{method}", MEASURES[measure]), values);
        }
        table
    }
}
