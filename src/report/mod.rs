//! Reports on runs: figures, tables and one self-contained HTML page, for papers and colleagues.
//!
//! A report is a pure function of its runs: equal runs give equal bytes. [`Report::new`] computes it, and
//! [`Report::write`] writes the files:
//!
//! | file | content |
//! |---|---|
//! | `report.html` | the whole report with inline figures and the provenance of every run |
//! | `figures/*.svg`, `figures/*.png` | heat maps, paths, scatters, agreement, accuracies |
//! | `tables/*.csv`, `tables/*.parquet` | the numbers behind the figures |

mod atlas;
mod axis;
mod figures;
mod gallery;
mod lens;
mod maps;
mod page;
mod pairs;
mod parquet;
pub mod png;
mod run_report;
mod style;
mod svg;
pub mod table;
mod tables;

use std::path::{Path, PathBuf};

pub use self::parquet::bytes as table_as_parquet;
pub use atlas::atlas_table;
pub use figures::Figure;
pub use lens::{LENS_FILE, LensCurve, LensPoint, LensScores, LensValue};
pub use maps::{accuracy_map, difference_map, weights_map};
use pairs::Pair;
use run_report::RunReport;
use table::Table;

use crate::{
    cancel::Cancel,
    disk::{create_folder, write_whole},
    error::{Error, InputError, Result},
    run::Run,
};

/// A report on some runs.
#[derive(Clone, Debug)]
pub struct Report {
    /// The figures.
    pub figures: Vec<Figure>,
    /// The tables by file name, without extension.
    pub tables: Vec<(&'static str, Table)>,
    /// The HTML page.
    pub page: String,
}

impl Report {
    /// Computes the report on `runs`. Runs that are comparable with the first are compared with it.
    ///
    /// # Errors
    /// If there are no runs, or it was cancelled.
    pub fn new(runs: &[Run], cancel: &Cancel) -> Result<Self> {
        Self::with_lenses(runs, Vec::new(), cancel)
    }

    /// As [`Report::new`], with the lens by layer of the runs that have one, in the order of `runs`.
    ///
    /// # Errors
    /// As [`Report::new`].
    pub fn with_lenses(runs: &[Run], lenses: Vec<Option<LensCurve>>, cancel: &Cancel) -> Result<Self> {
        if runs.is_empty() {
            return Err(InputError::new("there are no runs to report").help("name at least one run folder").into());
        }
        let mut reports = RunReport::all(runs, cancel)?;
        reports.iter_mut().zip(lenses).for_each(|(report, lens)| report.lens = lens);
        let pairs = Pair::with_first(&reports)?;
        let figures = gallery::figures(&reports, &pairs);
        Ok(Self { tables: tables::all(&reports, &pairs), page: page::render(&reports, &pairs, &figures)?, figures })
    }

    /// Writes all files under `folder` and returns their paths. Each file is written atomically; other files are left
    /// alone.
    ///
    /// # Errors
    /// If the folder cannot be written, or it was cancelled.
    pub fn write(&self, folder: &Path, cancel: &Cancel) -> Result<Vec<PathBuf>> {
        let mut written = Vec::new();
        let mut put = |name: String, bytes: &[u8]| {
            cancel.check()?;
            written.push(write_file(&folder.join(name), bytes)?);
            Ok::<(), Error>(())
        };
        for figure in &self.figures {
            put(format!("figures/{}.svg", figure.name), figure.svg.as_bytes())?;
            put(format!("figures/{}.png", figure.name), &png::bytes(&figure.svg)?)?;
        }
        for (name, table) in &self.tables {
            put(format!("tables/{name}.csv"), &table.csv()?)?;
            put(format!("tables/{name}.parquet"), &parquet::bytes(table)?)?;
        }
        put("report.html".to_owned(), self.page.as_bytes())?;
        Ok(written)
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<PathBuf> {
    let folder = path.parent().unwrap_or(path);
    create_folder(folder)?;
    write_whole(path, bytes)?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests;
