//! Labelled examples.

use serde_json::{Map, Value};

use crate::error::InputError;

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

    /// Returns whether it has some of `fields` and all of them are empty: null, texts of white space, or lists or objects
    /// of such.
    pub fn is_empty(&self, fields: &[String]) -> bool {
        let mut shown = fields.iter().filter_map(|name| self.fields.get(name)).peekable();
        shown.peek().is_some() && shown.all(is_empty)
    }

    /// Checks that none of `fields` is empty: null, a text of white space, or a list or object of such.
    ///
    /// # Errors
    /// Names the first empty field.
    pub fn check_texts<'f>(&self, fields: impl IntoIterator<Item = &'f String>) -> Result<(), InputError> {
        match fields.into_iter().find(|name| self.fields.get(*name).is_some_and(is_empty)) {
            Some(name) => Err(InputError::new("the text is empty").field(name)),
            None => Ok(()),
        }
    }
}

/// Returns the error about an `id` that an earlier example has, in line `first` of `place`.
pub fn repeated_id(id: &str, first: usize, place: &str) -> InputError {
    InputError::new(format!("the id `{id}` is already used in line {first}{place}"))
        .field("id")
        .help("ids must be unique")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
