//! Joins the results of a sweep. What it writes depends on the results only, not on who computed them or when.

use std::{collections::BTreeSet, path::Path};

use rayon::prelude::*;
use serde::Serialize;

use super::{cell_table::CellTable, folder::SweepFolder, manifest::SweepCell, report_page};
use crate::{
    cancel::Cancel,
    disk::{create_folder, write_whole},
    error::{Error, Result},
    protocol::{AccuracyRow, AgreementRow, ProtocolRow, accuracy_table, agreement},
    report::table_as_parquet,
};

/// Cells read at a time, which bounds the memory.
const BATCH: usize = 512;

/// Tables of a sweep: the content of `tables.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Merged {
    /// Number of cells.
    pub cells: usize,
    /// Number of cells with results.
    pub done: usize,
    /// The others.
    pub missing: Vec<MissingCell>,
    /// Tables of every model, budget and number of demonstrations, as `reproduce` prints them.
    pub groups: Vec<Group>,
    /// How the processors that computed the cells add; if there are several, their rows differ by rounding.
    #[serde(skip)]
    pub processors: BTreeSet<String>,
    /// Problems with results that were set aside, which are missing now.
    #[serde(skip)]
    pub damaged: Vec<String>,
}

/// A cell without a result.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MissingCell {
    /// Its name.
    pub cell: String,
    /// Why it failed; `None` if it was not computed yet.
    pub reason: Option<String>,
}

/// Tables over the runs of one model, budget and number of demonstrations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// The model.
    pub model: String,
    /// The label budget.
    pub budget: usize,
    /// The number of demonstrations; `None` for the paper's.
    pub shots: Option<usize>,
    /// Accuracy by method.
    pub accuracy: Vec<AccuracyRow>,
    /// Agreement of component accuracies.
    pub agreement: Vec<AgreementRow>,
}

/// Reads all results of `sweep` and writes `rows.parquet`, `rows.csv`, `tables.json` and `report.html` to the folder `to`.
///
/// # Errors
/// If a file cannot be read or written, or it was cancelled.
pub fn merge(sweep: &SweepFolder, to: &Path, cancel: &Cancel) -> Result<Merged> {
    create_folder(to)?;
    let manifest = &sweep.manifest;
    let failed = sweep.failed();
    let mut merged = Merged {
        cells: manifest.cells.len(),
        done: 0,
        missing: Vec::new(),
        groups: Vec::new(),
        processors: BTreeSet::new(),
        damaged: Vec::new(),
    };
    let mut table = CellTable::default();
    let key = |cell: &SweepCell| (cell.model, cell.budget, cell.shots);
    for group in manifest.cells.chunk_by(|a, b| key(a) == key(b)) {
        let mut rows: Vec<ProtocolRow> = Vec::new();
        for cells in group.chunks(BATCH) {
            cancel.check()?;
            let results: Vec<_> = cells.par_iter().map(|cell| sweep.result(cell)).collect();
            for (cell, result) in cells.iter().zip(results) {
                match result {
                    Ok(Some(result)) => {
                        merged.done += 1;
                        merged.processors.insert(result.processor);
                        table.push(manifest, cell, &result.row);
                        rows.push(result.row);
                        continue;
                    }
                    Ok(None) => {}
                    Err(error @ Error::Input(_)) => {
                        merged.damaged.push(error.to_string());
                        sweep.set_aside(cell)?;
                    }
                    Err(error) => return Err(error),
                }
                let reason = failed.get(&cell.id).map(|failed| failed.reason.clone());
                merged.missing.push(MissingCell { cell: manifest.name(cell), reason });
            }
        }
        merged.groups.push(Group {
            model: manifest.models[group[0].model].name.clone(),
            budget: group[0].budget,
            shots: group[0].shots,
            accuracy: accuracy_table(&rows),
            agreement: agreement(&rows),
        });
    }
    let table = table.finish();
    write_whole(&to.join("rows.csv"), &table.csv()?)?;
    write_whole(&to.join("rows.parquet"), &table_as_parquet(&table)?)?;
    let path = to.join("tables.json");
    let text = serde_json::to_string_pretty(&merged);
    let text = text.map_err(|error| Error::Write { path: path.clone(), source: error.into() })? + "\n";
    write_whole(&path, text.as_bytes())?;
    write_whole(&to.join("report.html"), report_page::page(&merged).as_bytes())?;
    Ok(merged)
}
