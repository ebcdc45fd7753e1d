//! Tasks of the evaluation harness (lm-evaluation-harness of EleutherAI): its task files and its sample logs.
//!
//! Multiple-choice tasks only, with the same choices for every example: a choice is then a label word. Anything that
//! would change prompts or labels and is not understood is an error.

mod sample_log;
mod task_file;

use std::path::Path;

pub(super) use sample_log::sample_log;
pub(super) use task_file::task_file;

use super::table::without_ending;

/// Returns whether `path` is a task file by its name: `.yaml` or `.yml`.
pub(super) fn is_task_file(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

/// Returns whether `path` is a sample log by its name: `samples_TASK_DATE.jsonl`, or compressed.
pub(super) fn is_sample_log(path: &Path) -> bool {
    let path = without_ending(path);
    let named = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("samples_"));
    named && path.extension().is_some_and(|ending| ending == "jsonl")
}
