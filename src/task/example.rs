//! Labelled examples.

use serde_json::{Map, Value};

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
}
