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

impl DataRow {
    /// Returns the column `name` or, if there is none, the field that it names within one: `meta.label`, `answers.0`.
    pub(in crate::task) fn column(&self, name: &str) -> Option<&Value> {
        field(&self.columns, name)
    }

    /// Removes the column or field `name`.
    pub(in crate::task) fn remove(&mut self, name: &str) {
        let mut columns = &mut self.columns;
        let mut name = name;
        while !columns.contains_key(name) {
            let Some((first, rest)) = name.split_once('.') else { return };
            let Some(Value::Object(inner)) = columns.get_mut(first) else { return };
            (columns, name) = (inner, rest);
        }
        columns.shift_remove(name);
    }
}

fn field<'v>(columns: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    columns.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        match columns.get(first)? {
            Value::Object(inner) => field(inner, rest),
            Value::Array(items) => items.get(rest.parse::<usize>().ok()?),
            _ => None,
        }
    })
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
        /// Columns that a file may lack.
        optional: &'a [&'a str],
    },
}

impl Columns<'_> {
    /// Returns whether the column `name` is needed.
    pub(super) fn contain(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named { required, optional } => required.iter().chain(optional).any(|wanted| is_within(wanted, name)),
        }
    }

    /// Returns itself, or all columns if one of the required columns is not among `names`, so that the error about it
    /// can name those that there are.
    pub(super) fn among(self, names: &HashSet<&str>) -> Self {
        match self {
            Self::Named { required, .. }
                if !required.iter().all(|wanted| names.iter().any(|name| is_within(wanted, name))) =>
            {
                Self::All
            }
            other => other,
        }
    }
}

/// Returns whether `wanted` is the column `name` or a field of it.
fn is_within(wanted: &str, name: &str) -> bool {
    wanted.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Receives a row; reports its errors to the diagnostics.
pub(in crate::task) type Take<'a> = &'a mut dyn FnMut(DataRow, &mut Diagnostics);

/// As [`Take`]; returns whether more rows can be taken.
pub(super) type TakeMore<'a> = &'a mut dyn FnMut(DataRow, &mut Diagnostics) -> bool;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_columns_are_named_with_dots() {
        let Value::Object(columns) = json!({"a": {"b": {"c": 1}, "list": [5, 6]}, "a.b": "own", "d": 2}) else {
            panic!()
        };
        let mut row = DataRow { line: 1, columns };
        assert_eq!(row.column("a.b"), Some(&json!("own")), "a column of that name comes first");
        assert_eq!(row.column("a.list.1"), Some(&json!(6)));
        row.remove("a.b");
        assert_eq!(row.column("a.b.c"), Some(&json!(1)));
        row.remove("a.b.c");
        row.remove("d.x");
        assert_eq!(
            (row.column("a.b"), row.column("a.b.c"), row.column("d")),
            (Some(&json!({})), None, Some(&json!(2)))
        );
    }
}
