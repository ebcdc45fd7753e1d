//! Runs as figures, tables and one page that needs no network: what goes into a paper or to a colleague.
//!
//! Everything is a pure function of the runs: equal runs give equal bytes. [`Report::of`] reads and draws, and
//! [`Report::write`] puts the files down:
//!
//! | file | what it holds |
//! |---|---|
//! | `report.html` | all of it, figures inline, with the provenance of every run |
//! | `figures/*.svg`, `figures/*.png` | heat maps, paths, scatters, agreement, accuracies |
//! | `tables/*.csv`, `tables/*.parquet` | the numbers behind them |

mod axis;
mod figures;
mod gallery;
mod page;
mod pairs;
mod parquet;
mod png;
mod run_report;
mod style;
mod svg;
pub mod table;
mod tables;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use figures::Figure;
use pairs::Pair;
use run_report::RunReport;
use table::Table;

use crate::{
    cancel::Cancel,
    disk::write_whole,
    error::{Error, InputError, Result},
    run::Run,
};

/// All that is reported of some runs.
#[derive(Clone, Debug)]
pub struct Report {
    /// The figures.
    pub figures: Vec<Figure>,
    /// The tables with the names of their files.
    pub tables: Vec<(&'static str, Table)>,
    /// The page, as HTML.
    pub page: String,
}

impl Report {
    /// Reads and draws `runs`. Runs that can be compared with the first are; others stand alone.
    ///
    /// # Errors
    /// If there are no runs, or it was cancelled.
    pub fn of(runs: &[Run], cancel: &Cancel) -> Result<Self> {
        if runs.is_empty() {
            return Err(InputError::new("there are no runs to report")
                .cure("name at least one folder of a run")
                .into());
        }
        let digests = RunReport::all(runs, cancel)?;
        let pairs = Pair::with_first(&digests)?;
        let figures = gallery::figures(&digests, &pairs);
        Ok(Self { tables: tables::all(&digests, &pairs), page: page::render(&digests, &pairs, &figures)?, figures })
    }

    /// Writes all files under `folder` and returns their paths. Each appears whole or not at all; files that it would not
    /// write are left alone.
    ///
    /// # Errors
    /// If the folder cannot be written.
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
    fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    write_whole(path, bytes)?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests;
