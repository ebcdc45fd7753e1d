//! What is wrong with a run whose parts contradict each other.

use super::files::{EXAMPLES, RUN};

/// A contradiction: the file and the field that disagree with the rest of the run.
#[derive(Debug)]
pub(super) struct Contradiction {
    pub(super) file: &'static str,
    pub(super) field: String,
    pub(super) line: Option<usize>,
    pub(super) problem: String,
}

/// The result of a check.
pub(super) type Outcome<T = ()> = Result<T, Contradiction>;

/// Returns a contradiction in `run.json`.
pub(super) fn in_meta(field: &str, problem: String) -> Contradiction {
    Contradiction { file: RUN, field: field.to_owned(), line: None, problem }
}

/// Returns a contradiction in a line of `examples.jsonl`.
pub(super) fn in_examples(field: &str, line: usize, problem: String) -> Contradiction {
    Contradiction { file: EXAMPLES, field: field.to_owned(), line: Some(line), problem }
}
