//! JSON lines, or a JSON list of objects.

use std::path::Path;

use serde_json::{Map, Value};

use super::row::{DataRow, Slice, Take};
use crate::{error::InputError, task::diagnostics::Diagnostics};

/// Reads lines; or a list, if the file `may_be_list`.
pub(super) fn read(
    path: &Path,
    text: &str,
    may_be_list: bool,
    slice: Slice,
    diagnostics: &mut Diagnostics,
    take: Take<'_>,
) {
    if may_be_list && text.trim_start().starts_with('[') {
        return list(path, text, slice, diagnostics, take);
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (row, (at, line)) in lines.enumerate() {
        if slice.ends_before(row) {
            break;
        }
        if row < slice.from {
            continue;
        }
        match serde_json::from_str::<Map<String, Value>>(line) {
            Ok(columns) => take(DataRow { line: at + 1, columns }, diagnostics),
            Err(error) => {
                let problem = format!("not a JSON object: {}", plain(&error));
                let help = r#"write lines such as {"text": "…", "label": "…"}"#;
                let place = InputError::new(problem).path(path).line(at + 1);
                diagnostics.push(place.column(error.column().max(1)).help(help));
            }
        }
    }
}

fn list(path: &Path, text: &str, slice: Slice, diagnostics: &mut Diagnostics, take: Take<'_>) {
    match serde_json::from_str::<Vec<Map<String, Value>>>(text) {
        Ok(objects) => {
            let rows = objects.into_iter().enumerate().filter(|(row, _)| slice.holds(*row));
            rows.for_each(|(row, columns)| take(DataRow { line: row + 1, columns }, diagnostics));
        }
        Err(error) => {
            let problem = format!("not a list of JSON objects: {}", plain(&error));
            diagnostics.push(InputError::new(problem).path(path).line(error.line()).column(error.column().max(1)));
        }
    }
}

/// Returns the error message without its line and column.
pub(in crate::task) fn plain(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rfind(" at line ").map_or(message.clone(), |at| message[..at].to_owned())
}
