//! All that is wrong with a task, not only the first thing.

use std::{collections::HashMap, path::PathBuf};

use crate::error::{Error, InputError};

/// Where something stands in a task file.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) path: PathBuf,
    /// Counted from 1, as the column is.
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Location {
    /// A mistake that stands here.
    pub(super) fn of(&self, mistake: InputError) -> InputError {
        mistake.path(&self.path).line(self.line).column(self.column)
    }
}

/// Diagnostics of one sort in one file that are told one by one; further ones are counted.
const TOLD: usize = 5;

/// A growing list of mistakes, in the order they were found.
#[derive(Debug, Default)]
pub struct Diagnostics {
    list: Vec<InputError>,
    /// How often each sort of mistake was made, by file and field.
    counts: HashMap<(Option<PathBuf>, Option<String>), usize>,
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, mistake: InputError) {
        let count = self.counts.entry((mistake.path.clone(), mistake.field.clone())).or_default();
        *count += 1;
        if *count <= TOLD {
            self.list.push(mistake);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Each as one line; what was only counted is said at the end.
    pub fn messages(&self) -> Vec<String> {
        let untold: usize = self.counts.values().map(|count| count.saturating_sub(TOLD)).sum();
        let more = (untold > 0).then(|| format!("and {untold} more of the same"));
        self.list.iter().map(ToString::to_string).chain(more).collect()
    }

    /// The first, for those who stop at it; `None` if all is well.
    pub fn into_first(self) -> Option<InputError> {
        let others = self.counts.values().sum::<usize>().saturating_sub(1);
        let mut first = self.list.into_iter().next()?;
        if others > 0 {
            let told = format!("({others} more; `partscope tasks check` says all)");
            first.cure = Some(first.cure.map_or_else(|| told.clone(), |cure| format!("{cure} {told}")));
        }
        Some(first)
    }
}

impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        diagnostics.into_first().unwrap_or_else(|| InputError::new("nothing is wrong")).into()
    }
}

/// Any failure as a mistake of the task.
pub(super) fn as_input(error: Error) -> InputError {
    match error {
        Error::Input(error) => *error,
        Error::Read { path, source } => {
            InputError::new(format!("cannot be read: {source}")).path(path).cure("check the names under [data]")
        }
        other => InputError::new(other.to_string()),
    }
}
