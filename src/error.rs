//! What can go wrong, in words a user can act on.
//!
//! Each message says what was wrong, where (file, line, field) and what to do. The command line maps an error to its
//! exit code with [`Error::exit_code`]; the explorer shows the same message.

use std::{io, path::PathBuf};

use crate::text::{list, printable};

/// Any failure of the library.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that stands for nothing here.
    #[error("no {what} is called `{}`; there are: {}", printable(.given), list(.known))]
    Unknown {
        /// What was looked up: `task`, `template`, `model` …
        what: &'static str,
        /// What the user wrote.
        given: String,
        /// What could have been meant.
        known: Vec<String>,
    },
    /// Something in a file or argument that cannot be used.
    #[error("{}", .0)]
    Input(Box<InputError>),
    /// A model that cannot be loaded or that computes nonsense.
    #[error("{}", .0)]
    Model(String),
    /// A file or folder that cannot be read.
    #[error("cannot read {}: {source}", printable(&path.display().to_string()))]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder that cannot be written.
    #[error("cannot write {}: {source}; choose another place with -o, or free this one", printable(&path.display().to_string()))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The tensor library failed (out of memory, a device that went away …).
    #[error("the computation failed: {0}")]
    Compute(#[from] candle_core::Error),
    /// The task was cancelled before it was done.
    #[error("cancelled")]
    Cancelled,
}

/// Bad input with its place and its cure.
#[derive(Clone, Debug, Default)]
pub struct InputError {
    /// The file it stands in, if any.
    pub path: Option<PathBuf>,
    /// The line, counted from 1, if known.
    pub line: Option<usize>,
    /// The column in that line, counted from 1 in characters, if known.
    pub column: Option<u32>,
    /// The field, column or tensor, if known.
    pub field: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub cure: Option<String>,
}

impl std::fmt::Display for InputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}", printable(&path.display().to_string()))?;
            if let Some(line) = self.line {
                write!(f, ", line {line}")?;
                if let Some(column) = self.column {
                    write!(f, ", column {column}")?;
                }
            }
            write!(f, ": ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "`{}`: ", printable(field))?;
        }
        write!(f, "{}", printable(&self.problem))?;
        match &self.cure {
            Some(cure) => write!(f, "; {}", printable(cure)),
            None => Ok(()),
        }
    }
}

impl InputError {
    /// A problem that has no place yet; add it with the methods below.
    pub fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), ..Self::default() }
    }

    /// Says in which file.
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Says in which line, counted from 1.
    #[must_use]
    pub fn line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Says in which column of the line, counted from 1.
    #[must_use]
    pub fn column(mut self, column: usize) -> Self {
        self.column = u32::try_from(column).ok();
        self
    }

    /// Says in which field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }
}

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        Self::Input(Box::new(error))
    }
}

impl Error {
    /// Exit code of the contract: 1 failure, 3 bad input, 130 interrupted.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Unknown { .. } | Self::Input(_) | Self::Model(_) | Self::Read { .. } => 3,
            Self::Write { .. } | Self::Compute(_) => 1,
            Self::Cancelled => 130,
        }
    }
}

/// What the library's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_place_problem_and_cure() {
        let error =
            Error::from(InputError::new("not a number").path("a.csv").line(3).field("label").cure("write 0 or 1"));
        assert_eq!(error.to_string(), "a.csv, line 3: `label`: not a number; write 0 or 1");
        assert_eq!(error.exit_code(), 3);
    }
}
