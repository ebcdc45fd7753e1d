//! Rows of a table, and which of them are taken.

use serde_json::{Map, Value};

use crate::task::diagnostics::Diagnostics;

/// A row with the line it begins in (for Parquet, its number), counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::task) struct DataRow {
    pub(in crate::task) line: usize,
    pub(in crate::task) columns: Map<String, Value>,
}

/// How a file is to be read, beyond what its ending says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::task) struct Format {
    /// Names of the columns of a CSV or TSV file without a header line.
    pub(in crate::task) columns: Option<Vec<String>>,
    /// What separates its columns; a comma or, in `.tsv`, a tab if `None`.
    pub(in crate::task) delimiter: Option<u8>,
    /// Whether `"` encloses texts; in `.csv` if `None`, not in `.tsv`.
    pub(in crate::task) quoting: Option<bool>,
}

/// Rows to take: from the first on, up to but without the second; all of them by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::task) struct Slice {
    pub(in crate::task) from: usize,
    pub(in crate::task) to: Option<usize>,
}

impl Slice {
    /// Whether nothing is taken from this row on.
    pub(super) const fn ends_before(self, row: usize) -> bool {
        matches!(self.to, Some(to) if row >= to)
    }

    /// What is left of it in the next file, after `rows` rows.
    pub(in crate::task) fn after(self, rows: usize) -> Self {
        Self { from: self.from.saturating_sub(rows), to: self.to.map(|to| to.saturating_sub(rows)) }
    }

    /// Whether this row is taken.
    pub(super) const fn holds(self, row: usize) -> bool {
        row >= self.from && !self.ends_before(row)
    }
}

/// Takes a row, or tells what is wrong with it.
pub(in crate::task) type Take<'a> = &'a mut dyn FnMut(DataRow, &mut Diagnostics);
