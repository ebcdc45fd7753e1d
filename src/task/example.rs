//! Labelled examples.

use serde_json::{Map, Value};

use crate::{error::InputError, text::normalized};

/// Labelled example of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Its id, unique within the task.
    pub id: String,
    /// Its columns by name, in the order of the data.
    pub fields: Map<String, Value>,
    /// Index into [`Task::labels`](super::Task::labels).
    pub label: usize,
}

impl Example {
    /// Returns its text columns in one line, for lists.
    pub fn summary(&self) -> String {
        let texts: Vec<&str> = self.fields.values().filter_map(Value::as_str).collect();
        texts.join(" · ")
    }

    /// Returns its `fields` with normalised white space, to compare examples by content; empty if all of them are.
    pub fn content(&self, fields: &[String]) -> String {
        let shown = fields.iter().filter_map(|name| self.fields.get(name)).map(normalized_value);
        let shown: Vec<String> = shown.collect();
        if shown.iter().all(String::is_empty) { String::new() } else { shown.join("\u{1f}") }
    }

    /// Checks that none of `fields` is empty: null, or a text of white space.
    ///
    /// # Errors
    /// Names the first empty field.
    pub fn check_texts<'f>(&self, fields: impl IntoIterator<Item = &'f String>) -> Result<(), InputError> {
        let empty = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
        match fields.into_iter().find(|name| self.fields.get(*name).is_some_and(empty)) {
            Some(name) => Err(InputError::new("the text is empty").field(name)),
            None => Ok(()),
        }
    }
}

fn normalized_value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => normalized(text),
        Value::Array(items) => items.iter().map(normalized_value).collect::<Vec<_>>().join("\u{1e}"),
        other => other.to_string(),
    }
}
