//! JSON lines, or a JSON list of objects.

use std::{fmt, path::Path};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::row::{DataRow, Slice, TakeMore};
use crate::{data_memory::check_objects, error::InputError, task::diagnostics::Diagnostics};

/// Reads lines; or a list, if the file `may_be_list`. An object may take `most` bytes of memory.
pub(super) fn read(
    path: &Path,
    text: &str,
    (may_be_list, most): (bool, u64),
    slice: Slice,
    diagnostics: &mut Diagnostics,
    take: TakeMore<'_>,
) {
    if may_be_list && text.trim_start().starts_with('[') {
        return match check_objects(text, most) {
            Ok(()) => list(path, text, slice, diagnostics, take),
            Err(error) => diagnostics.push(error.path(path)),
        };
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (row, (at, line)) in lines.enumerate() {
        if slice.ends_before(row) || diagnostics.are_enough() {
            break;
        }
        if row < slice.from {
            continue;
        }
        if let Err(error) = check_objects(line, most) {
            return diagnostics.push(error.path(path).line(at + 1));
        }
        match serde_json::from_str::<Object>(line) {
            Ok(Object(columns)) => {
                if !take(DataRow { line: at + 1, columns }, diagnostics) {
                    break;
                }
            }
            Err(error) => {
                let problem = format!("not a JSON object: {}", plain(&error));
                let help = r#"write lines such as {"text": "…", "label": "…"}"#;
                let place = InputError::new(problem).path(path).line(at + 1);
                diagnostics.push(place.column(error.column().max(1)).help(help));
            }
        }
    }
}

fn list(path: &Path, text: &str, slice: Slice, diagnostics: &mut Diagnostics, take: TakeMore<'_>) {
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut full = false;
    let rows = Rows {
        slice,
        take: &mut |row| {
            full = !take(row, diagnostics);
            !full
        },
    };
    let read = reader.deserialize_seq(rows).and_then(|()| reader.end());
    if let (Err(error), false) = (read, full) {
        let problem = format!("not a list of JSON objects: {}", plain(&error));
        diagnostics.push(InputError::new(problem).path(path).line(error.line()).column(error.column().max(1)));
    }
}

/// The columns of a row, each called by a name of its own.
struct Object(Map<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;

        impl<'de> Visitor<'de> for Columns {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut columns = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if columns.contains_key(&name) {
                        return Err(A::Error::custom(format!("two values are called `{name}`")));
                    }
                    columns.insert(name, value);
                }
                Ok(Object(columns))
            }
        }

        deserializer.deserialize_map(Columns)
    }
}

/// Takes the objects of a list one by one, so that they are never all in memory; an error if `take` takes no more.
struct Rows<'a> {
    slice: Slice,
    take: &'a mut dyn FnMut(DataRow) -> bool,
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut row = 0;
        while let Some(Object(columns)) = list.next_element()? {
            if self.slice.holds(row) && !(self.take)(DataRow { line: row + 1, columns }) {
                return Err(A::Error::custom("full"));
            }
            row += 1;
        }
        Ok(())
    }
}

/// Returns the error message without its line and column.
pub(in crate::task) fn plain(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rfind(" at line ").map_or(message.clone(), |at| message[..at].to_owned())
}
