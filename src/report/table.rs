//! Tables of results with typed columns, written as CSV or Parquet.

use crate::{
    error::{Error, Result},
    text::printable,
};

/// Values of a column; `None` is an empty field.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Text.
    Text(Vec<Option<String>>),
    /// Real numbers.
    Number(Vec<Option<f64>>),
    /// Counts and indices.
    Count(Vec<Option<i64>>),
}

/// A named column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name, in `snake_case`.
    pub name: String,
    /// Values, one per row.
    pub values: Values,
}

/// A table; all columns have the same number of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The columns, from left to right.
    pub columns: Vec<Column>,
}

impl Table {
    /// Creates a table without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column of text.
    #[must_use]
    pub fn text<T: Into<String>>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        self.push(name, Values::Text(values.into_iter().map(|value| Some(value.into())).collect()))
    }

    /// Adds a column of real numbers; values that are not finite become empty fields.
    #[must_use]
    pub fn number(self, name: &str, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let values = values.into_iter().map(|value| value.filter(|value| value.is_finite()));
        self.push(name, Values::Number(values.collect()))
    }

    /// Adds a column of counts.
    #[must_use]
    pub fn count(self, name: &str, values: impl IntoIterator<Item = usize>) -> Self {
        self.push(name, Values::Count(values.into_iter().map(|value| Some(value as i64)).collect()))
    }

    /// Adds a column.
    #[must_use]
    pub fn push(mut self, name: &str, values: Values) -> Self {
        self.columns.push(Column { name: name.to_owned(), values });
        debug_assert!(self.columns.iter().all(|column| column.values.len() == self.rows()), "{name}");
        self
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// Appends the rows of `other`, which has the same columns.
    pub fn append(&mut self, other: Self) {
        if self.columns.is_empty() {
            *self = other;
            return;
        }
        for (mine, theirs) in self.columns.iter_mut().zip(other.columns) {
            match (&mut mine.values, theirs.values) {
                (Values::Text(a), Values::Text(b)) => a.extend(b),
                (Values::Number(a), Values::Number(b)) => a.extend(b),
                (Values::Count(a), Values::Count(b)) => a.extend(b),
                _ => debug_assert!(false, "column {} has another type", mine.name),
            }
        }
    }

    /// Returns the table as CSV with a header (RFC 4180).
    ///
    /// # Errors
    /// Never in practice, since it writes to memory.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let failed = |error: csv::Error| Error::Write { path: "a table".into(), source: error.into() };
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns.iter().map(|column| &column.name)).map_err(failed)?;
        for row in 0..self.rows() {
            writer.write_record(self.columns.iter().map(|column| column.values.field(row))).map_err(failed)?;
        }
        writer.into_inner().map_err(|error| Error::Write { path: "a table".into(), source: error.into_error() })
    }
}

impl Values {
    /// Returns the number of values.
    pub const fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Number(values) => values.len(),
            Self::Count(values) => values.len(),
        }
    }

    /// Returns whether there are no values.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the value of a row as text that parses back to the same value; empty if there is none.
    pub fn field(&self, row: usize) -> String {
        match self {
            Self::Text(values) => values[row].as_deref().map(|text| printable(text).into_owned()).unwrap_or_default(),
            Self::Number(values) => values[row].map(|value| value.to_string()).unwrap_or_default(),
            Self::Count(values) => values[row].map(|value| value.to_string()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_missing_values_are_empty() {
        let table =
            Table::new().text("text", ["a,\"b\"", "c\nd"]).number("r", [Some(0.5), Some(f64::NAN)]).count("n", [3, 4]);
        assert_eq!(String::from_utf8(table.csv().unwrap()).unwrap(), "text,r,n\n\"a,\"\"b\"\"\",0.5,3\nc d,,4\n");
    }

    #[test]
    fn rows_are_appended() {
        let mut table = Table::new();
        table.append(Table::new().count("n", [1]));
        table.append(Table::new().count("n", [2, 3]));
        assert_eq!(table.rows(), 3);
    }
}
