//! CSV and TSV (RFC 4180; in tab-separated files, `"` is an ordinary character unless `quoting` is set).

use std::{collections::HashSet, path::Path};

use csv::{ReaderBuilder, StringRecord};
use serde_json::Value;

use super::row::{DataRow, Format, Slice, TakeMore};
use crate::{error::InputError, task::diagnostics::Diagnostics};

pub(super) fn read(
    path: &Path,
    text: &str,
    format: &Format,
    (delimiter, quoting): (u8, bool),
    slice: Slice,
    diagnostics: &mut Diagnostics,
    take: TakeMore<'_>,
) {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(format.delimiter.unwrap_or(delimiter))
        .quoting(format.quoting.unwrap_or(quoting))
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let mut next = |record: &mut StringRecord, diagnostics: &mut Diagnostics| match reader.read_record(record) {
        Ok(more) => more,
        Err(error) => {
            diagnostics.push(InputError::new(error.to_string()).path(path));
            false
        }
    };
    let names: Vec<String> = match &format.columns {
        Some(names) => names.clone(),
        None if next(&mut record, diagnostics) => record.iter().map(|name| name.trim().to_owned()).collect(),
        None => {
            let help = "write the column names into the first line, or into `columns` of the task file";
            diagnostics.push(InputError::new("the file is empty: it has no header").path(path).help(help));
            return;
        }
    };
    let mut seen = HashSet::new();
    if let Some(repeated) = names.iter().find(|name| !seen.insert(name.as_str())) {
        let problem = format!("two columns are called `{repeated}`");
        diagnostics.push(InputError::new(problem).path(path).line(1).help("use different column names"));
        return;
    }
    let (mut row, mut line, mut counted) = (0, 1, 0);
    while !slice.ends_before(row) && !diagnostics.are_enough() && next(&mut record, diagnostics) {
        // The reader's own line count is one too low after a line that ends in CR LF.
        let at = record.position().map_or(counted, |position| position.byte() as usize);
        let start = at + text[at..].len() - text[at..].trim_start_matches(['\r', '\n']).len();
        line += text[counted..start].matches('\n').count();
        counted = start;
        if record.len() != names.len() {
            let problem = format!("the row has {} columns, but there are {} column names", record.len(), names.len());
            let help = "put texts that contain the separator in quotes; or is a quote not closed?";
            diagnostics.push(InputError::new(problem).path(path).line(line).help(help));
        } else if row >= slice.from {
            let columns = names.iter().cloned().zip(record.iter().map(Value::from)).collect();
            if !take(DataRow { line, columns }, diagnostics) {
                return;
            }
        }
        row += 1;
    }
}
