//! Errors, with messages that users can act on.
//!
//! Each message says what was wrong, where (file, line, field) and what to do. The command line maps an error to its
//! exit code with [`Error::exit_code`]; the explorer shows the same message.

use std::{io, path::PathBuf};

use crate::text::{cut, list, printable};

/// Maximum length of each part of a message, in characters.
const MAX_PART: usize = 2_000;

/// Any error of the library.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An unknown name.
    #[error("no {what} is called `{}`; there are: {}", shown(.given), shown(&list(.known)))]
    Unknown {
        /// Noun for what was looked up: `task`, `template`, `model` …
        what: &'static str,
        /// The name that the user gave.
        given: String,
        /// The known names.
        known: Vec<String>,
    },
    /// Invalid input in a file or argument.
    #[error("{}", .0)]
    Input(Box<InputError>),
    /// A model that cannot be loaded or gives invalid results.
    #[error("{}", shown(.0))]
    Model(String),
    /// A file or folder that cannot be read.
    #[error("cannot read {}: {}; {}", shown(&path.display().to_string()), shown(&source.to_string()), read_advice(source))]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A file or folder that cannot be written.
    #[error("cannot write {}: {}; {}", shown(&path.display().to_string()), shown(&source.to_string()), write_advice(source))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The tensor library failed, e.g. out of memory or with a lost device.
    #[error("the computation failed: {}", shown(&.0.to_string()))]
    Compute(#[from] candle_core::Error),
    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// Returns a part of a message on one line, without unsafe characters, and cut if it is very long.
fn shown(text: &str) -> String {
    printable(&cut(text, MAX_PART)).into_owned()
}

/// Returns what to do about a file that cannot be read.
fn read_advice(source: &io::Error) -> &'static str {
    use io::ErrorKind::{InvalidFilename, IsADirectory, NotADirectory, NotFound, PermissionDenied};
    match source.kind() {
        NotFound | NotADirectory | InvalidFilename => "check the path",
        IsADirectory => "name a file in it",
        PermissionDenied => "make it readable",
        _ => "check the disk, or copy the file to another one",
    }
}

/// Returns what to do about a file that cannot be written.
fn write_advice(source: &io::Error) -> &'static str {
    use io::ErrorKind::{InvalidFilename, QuotaExceeded, StorageFull};
    match source.kind() {
        StorageFull | QuotaExceeded => "free some space, or choose another path",
        InvalidFilename => "choose a shorter name",
        _ => "choose another path, or make this one writable",
    }
}

/// An error in the input: where it is, what is wrong and what to do.
#[derive(Clone, Debug, Default)]
pub struct InputError {
    /// File with the error, if any.
    pub path: Option<PathBuf>,
    /// Line, counted from 1, if known.
    pub line: Option<usize>,
    /// Column in that line, counted from 1 in characters, if known.
    pub column: Option<u32>,
    /// Field, column or tensor, if known.
    pub field: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl std::fmt::Display for InputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(path) = &self.path {
            f.write_str(&shown(&path.display().to_string()))?;
            if let Some(line) = self.line {
                write!(f, ", line {line}")?;
                if let Some(column) = self.column {
                    write!(f, ", column {column}")?;
                }
            }
            write!(f, ": ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "`{}`: ", shown(field))?;
        }
        f.write_str(&shown(&self.problem))?;
        match &self.help {
            Some(help) => write!(f, "; {}", shown(help)),
            None => Ok(()),
        }
    }
}

impl InputError {
    /// Creates an error without a location, which the methods below add.
    pub fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), ..Self::default() }
    }

    /// Sets the file.
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the line, counted from 1.
    #[must_use]
    pub fn line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Sets the column in the line, counted from 1.
    #[must_use]
    pub fn column(mut self, column: usize) -> Self {
        self.column = u32::try_from(column).ok();
        self
    }

    /// Sets the field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Sets the advice on what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        Self::Input(Box::new(error))
    }
}

impl Error {
    /// Returns the exit code: 1 for a failure, 3 for bad input, 130 for an interruption.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Unknown { .. } | Self::Input(_) | Self::Model(_) | Self::Read { .. } => 3,
            Self::Write { .. } | Self::Compute(_) => 1,
            Self::Cancelled => 130,
        }
    }
}

/// Result type of the library's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_gives_location_problem_and_advice() {
        let error =
            Error::from(InputError::new("not a number").path("a.csv").line(3).field("label").help("write 0 or 1"));
        assert_eq!(error.to_string(), "a.csv, line 3: `label`: not a number; write 0 or 1");
        assert_eq!(error.exit_code(), 3);
    }

    #[test]
    fn messages_of_every_kind_are_safe_and_short() {
        let hostile = || "\x1b]52;c;QQ==\x07\u{202e}".to_owned() + &"x".repeat(3 << 20);
        let source = || io::Error::other(hostile());
        let errors = [
            Error::Unknown { what: "task", given: hostile(), known: vec![hostile(), hostile()] },
            InputError::new(hostile()).path(hostile()).field(hostile()).help(hostile()).into(),
            Error::Model(hostile()),
            Error::Read { path: hostile().into(), source: source() },
            Error::Write { path: hostile().into(), source: source() },
            Error::Compute(candle_core::Error::Msg(hostile())),
        ];
        for error in errors {
            let message = error.to_string();
            assert!(!message.chars().any(crate::text::is_unsafe) && message.contains("\\u{202e}"), "{error:?}");
            assert!(message.len() < 10_000, "{}", message.len());
        }
    }
}
