//! Collects all problems of a task, not only the first.

use std::{collections::HashMap, path::PathBuf};

use crate::error::{Error, InputError};

/// Position in a task file.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) path: PathBuf,
    /// Counted from 1, as is the column.
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Location {
    /// Adds this position to an error.
    pub(super) fn locate(&self, error: InputError) -> InputError {
        error.path(&self.path).line(self.line).column(self.column)
    }
}

/// Number of errors reported for each field of each file; further ones are only counted.
const REPORTED: usize = 5;
/// Number of errors after which a file is not read further: it is not what the task says.
const MOST: usize = 10_000;

/// List of errors, in the order in which they were found.
#[derive(Debug, Default)]
pub struct Diagnostics {
    list: Vec<InputError>,
    /// Number of errors by file and field.
    counts: HashMap<(Option<PathBuf>, Option<String>), usize>,
    total: usize,
}

impl Diagnostics {
    /// Adds an error.
    pub fn push(&mut self, error: InputError) {
        let count = self.counts.entry((error.path.clone(), error.field.clone())).or_default();
        *count += 1;
        self.total += 1;
        if *count <= REPORTED {
            self.list.push(error);
        }
    }

    /// Returns whether there are no errors.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns whether there are so many errors that reading on is no use.
    pub fn are_enough(&self) -> bool {
        self.total >= MOST
    }

    /// Returns one line per reported error, and a line with the number of the others.
    pub fn messages(&self) -> Vec<String> {
        let unreported: usize = self.counts.values().map(|count| count.saturating_sub(REPORTED)).sum();
        let bound = if self.are_enough() { "at least " } else { "" };
        let more = (unreported > 0).then(|| format!("and {bound}{unreported} more of the same kind"));
        self.list.iter().map(ToString::to_string).chain(more).collect()
    }

    /// Returns the first error and mentions the number of others; `None` if there are no errors.
    pub fn into_first(self) -> Option<InputError> {
        let others = self.total.saturating_sub(1);
        let bound = if self.are_enough() { "at least " } else { "" };
        let mut first = self.list.into_iter().next()?;
        if others > 0 {
            let more = format!("({bound}{others} more; `partscope tasks check` shows all)");
            first.help = Some(first.help.map_or_else(|| more.clone(), |help| format!("{help} {more}")));
        }
        Some(first)
    }
}

impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        diagnostics.into_first().unwrap_or_else(|| InputError::new("there is no error")).into()
    }
}

/// Converts any error to an [`InputError`].
pub(super) fn as_input(error: Error) -> InputError {
    match error {
        Error::Input(error) => *error,
        Error::Read { path, source } => {
            InputError::new(format!("cannot be read: {source}")).path(path).help("check the file names under [data]")
        }
        other => InputError::new(other.to_string()),
    }
}
