//! Rows of a table and ranges of rows.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::task::diagnostics::Diagnostics;

/// A row with its first line (for Parquet, its number), counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::task) struct DataRow {
    pub(in crate::task) line: usize,
    pub(in crate::task) columns: Map<String, Value>,
}

/// Format options of a file, in addition to its extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::task) struct Format {
    /// Column names of a CSV or TSV file without a header line.
    pub(in crate::task) columns: Option<Vec<String>>,
    /// Column separator; if `None`, a comma in `.csv` and a tab in `.tsv`.
    pub(in crate::task) delimiter: Option<u8>,
    /// Whether `"` quotes texts; if `None`, in `.csv` but not in `.tsv`.
    pub(in crate::task) quoting: Option<bool>,
}

/// Range of rows: `from` inclusive, `to` exclusive; all rows by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::task) struct Slice {
    pub(in crate::task) from: usize,
    pub(in crate::task) to: Option<usize>,
}

impl Slice {
    /// Returns whether the range ends before `row`.
    pub(super) const fn ends_before(self, row: usize) -> bool {
        matches!(self.to, Some(to) if row >= to)
    }

    /// Returns the rest of the range for the next file, after a file of `rows` rows.
    pub(in crate::task) fn after(self, rows: usize) -> Self {
        Self { from: self.from.saturating_sub(rows), to: self.to.map(|to| to.saturating_sub(rows)) }
    }

    /// Returns whether the range contains `row`.
    pub(super) const fn holds(self, row: usize) -> bool {
        row >= self.from && !self.ends_before(row)
    }
}

/// The columns that are needed; other columns of a Parquet file are not read.
#[derive(Clone, Copy, Debug)]
pub(in crate::task) enum Columns<'a> {
    All,
    Named {
        required: &'a HashSet<&'a str>,
        /// The column with ids, which a file may lack.
        id: &'a str,
    },
}

impl Columns<'_> {
    /// Returns whether the column `name` is needed.
    pub(super) fn contain(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named { required, id } => required.contains(name) || name == id,
        }
    }

    /// Returns itself, or all columns if one of the required columns is not among `names`, so that the error about it
    /// can name those that there are.
    pub(super) fn among(self, names: &HashSet<&str>) -> Self {
        match self {
            Self::Named { required, .. } if !required.is_subset(names) => Self::All,
            other => other,
        }
    }
}

/// Receives a row; reports its errors to the diagnostics.
pub(in crate::task) type Take<'a> = &'a mut dyn FnMut(DataRow, &mut Diagnostics);
