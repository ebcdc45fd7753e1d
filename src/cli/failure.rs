//! Ways in which a command fails.

use crate::error::Error;

/// Failure of a command.
#[derive(Debug)]
pub(super) enum Failure {
    /// A library error.
    Error(Error),
    /// Wrong use of the command line that clap cannot detect: exit 2.
    Usage(String),
    /// The command already reported the failure: exit 1.
    Reported,
    /// The command already reported that its input is bad: exit 3.
    BadInput,
    /// Some of several runs failed, which is already reported: exit 4.
    Partial,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}
