//! One labelled example of a task.

use serde_json::{Map, Value};

/// One labelled example.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Unique within the task.
    pub id: String,
    /// Its columns, by name, in the order of the data.
    pub fields: Map<String, Value>,
    /// Index into [`Task::labels`](super::Task::labels).
    pub label: usize,
}

impl Example {
    /// Its text columns in one line, for lists.
    pub fn summary(&self) -> String {
        let texts: Vec<&str> = self.fields.values().filter_map(Value::as_str).collect();
        texts.join(" · ")
    }
}
