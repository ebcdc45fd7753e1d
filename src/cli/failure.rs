//! How a command ends when it does not end well.

use crate::error::Error;

/// How a command ended, if not well.
#[derive(Debug)]
pub(super) enum Failure {
    /// A library error.
    Error(Error),
    /// Wrong use of the command line that clap cannot see: exit 2.
    Usage(String),
    /// The command did its work, and its result is a failure it has already reported: exit 1.
    Reported,
    /// The same where the input is at fault: exit 3.
    BadInput,
    /// Some of several things were done, and it is said which were not: exit 4.
    Partial,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}
