//! Errors of templates, as data without the engine's values.

use std::{error::Error as _, fmt};

use minijinja::{Error, ErrorKind};

use super::python::Raised;
use crate::text::cut;

/// Maximum length of an engine's message, in characters.
const MAX_MESSAGE: usize = 500;

/// Why a template cannot be compiled or rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The template is longer, or one of its expressions is, than is accepted.
    TooLarge,
    /// The template is not valid.
    Syntax,
    /// A variable or attribute does not exist.
    Undefined,
    /// Rendering takes too many steps, or creates too much.
    OutOfFuel,
    /// The template called `raise_exception`.
    Raised,
    /// Anything else.
    Failed,
}

/// Error in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JinjaError {
    /// Why it failed.
    pub reason: Reason,
    /// What is wrong; contains text of the template.
    pub message: String,
    /// Line in the template, counted from 1, if known.
    pub line: Option<usize>,
}

impl fmt::Display for JinjaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.line.map_or(Ok(()), |line| write!(f, " (line {line} of the template)"))
    }
}

impl JinjaError {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), line: None }
    }

    pub(super) fn at(self, line: usize) -> Self {
        Self { line: Some(line), ..self }
    }
}

impl From<Error> for JinjaError {
    fn from(error: Error) -> Self {
        let raised = error.source().is_some_and(<dyn std::error::Error>::is::<Raised>);
        let reason = match error.kind() {
            ErrorKind::SyntaxError | ErrorKind::BadEscape => Reason::Syntax,
            ErrorKind::UndefinedError => Reason::Undefined,
            ErrorKind::OutOfFuel => Reason::OutOfFuel,
            _ if raised => Reason::Raised,
            _ => Reason::Failed,
        };
        let message = match error.detail() {
            Some(detail) if raised => detail.to_owned(),
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        Self { reason, message: cut(&message, MAX_MESSAGE).into_owned(), line: error.line() }
    }
}
