//! Joins the results of a sweep. What it writes depends on the results only, not on who computed them or when.

use std::{collections::BTreeMap, path::Path};

use rayon::prelude::*;

use super::{
    cell_table::CellTable,
    folder::{FailedCell, SweepFolder},
    manifest::SweepCell,
    merged::{Group, Merged, MissingCell},
    report_page,
    result::CellResult,
};
use crate::{
    cancel::Cancel,
    disk::{create_folder, write_whole},
    error::{Error, Result},
    protocol::{ProtocolRow, accuracy_table, agreement},
    report::{table::Table, table_as_parquet},
};

/// Cells read at a time, which bounds the memory.
const BATCH: usize = 512;

/// Reads all results of `sweep` and writes `rows.parquet`, `rows.csv`, `tables.json` and `report.html` to the folder `to`.
///
/// # Errors
/// If a file cannot be read or written, or it was cancelled.
pub fn merge(sweep: &SweepFolder, to: &Path, cancel: &Cancel) -> Result<Merged> {
    create_folder(to)?;
    let manifest = &sweep.manifest;
    let mut reading = Reading::new(sweep);
    let key = |cell: &SweepCell| (cell.model, cell.budget, cell.shots);
    for cells in manifest.cells.chunk_by(|a, b| key(a) == key(b)) {
        let rows = reading.rows(cells, cancel)?;
        reading.merged.groups.push(Group {
            model: manifest.models[cells[0].model].name.clone(),
            budget: cells[0].budget,
            shots: cells[0].shots,
            accuracy: accuracy_table(&rows),
            agreement: agreement(&rows),
        });
    }
    let Reading { merged, table, .. } = reading;
    write_files(&merged, &table.finish(), to)?;
    Ok(merged)
}

/// Results as they are read.
struct Reading<'a> {
    sweep: &'a SweepFolder,
    failed: BTreeMap<String, FailedCell>,
    merged: Merged,
    table: CellTable,
}

impl<'a> Reading<'a> {
    fn new(sweep: &'a SweepFolder) -> Self {
        let merged = Merged { cells: sweep.manifest.cells.len(), ..Merged::default() };
        Self { sweep, failed: sweep.failed(), merged, table: CellTable::default() }
    }

    /// Reads the results of `cells`, and returns the rows of those that have one.
    fn rows(&mut self, cells: &[SweepCell], cancel: &Cancel) -> Result<Vec<ProtocolRow>> {
        let mut rows = Vec::with_capacity(cells.len());
        for batch in cells.chunks(BATCH) {
            cancel.check()?;
            let results: Vec<_> = batch.par_iter().map(|cell| self.sweep.result(cell)).collect();
            for (cell, result) in batch.iter().zip(results) {
                rows.extend(self.row(cell, result)?);
            }
        }
        Ok(rows)
    }

    /// Returns the row of a cell, or notes that it is missing. A damaged result is set aside.
    fn row(&mut self, cell: &SweepCell, result: Result<Option<CellResult>>) -> Result<Option<ProtocolRow>> {
        match result {
            Ok(Some(CellResult { processor, mut row, .. })) => {
                self.merged.done += 1;
                self.merged.processors.insert(processor);
                self.table.push(&self.sweep.manifest, cell, &row);
                // No table over several rows has it.
                row.measures.difference.clear();
                return Ok(Some(row));
            }
            Ok(None) => {}
            Err(error @ Error::Input(_)) => {
                self.merged.damaged.push(error.to_string());
                self.sweep.set_aside(cell)?;
            }
            Err(error) => return Err(error),
        }
        let reason = self.failed.get(&cell.id).map(|failed| failed.reason.clone());
        self.merged.missing.push(MissingCell { cell: self.sweep.manifest.name(cell), reason });
        Ok(None)
    }
}

fn write_files(merged: &Merged, table: &Table, to: &Path) -> Result<()> {
    write_whole(&to.join("rows.csv"), &table.csv()?)?;
    write_whole(&to.join("rows.parquet"), &table_as_parquet(table)?)?;
    let path = to.join("tables.json");
    let text = serde_json::to_string_pretty(merged);
    let text = text.map_err(|error| Error::Write { path: path.clone(), source: error.into() })? + "\n";
    write_whole(&path, text.as_bytes())?;
    write_whole(&to.join("report.html"), report_page::page(merged).as_bytes())
}
