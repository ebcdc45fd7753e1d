//! Counts the memory that the rows of a task take.

use serde_json::Value;

use super::row::DataRow;
use crate::{bounded, error::InputError};

/// Bytes of a row, of a column and of a value inside a list, without their texts: what maps and allocations take.
const ROW: u64 = 256;
const COLUMN: u64 = 144;
const VALUE: u64 = 40;
/// Bytes of a value while the list that it is in is parsed and grows.
const PARSED: u64 = 64;

/// Memory for the rows of a task.
#[derive(Debug)]
pub(in crate::task) struct Memory {
    limit: u64,
    left: u64,
}

impl Memory {
    /// Allows what `PARTSCOPE_MAX_DATA` says.
    ///
    /// # Errors
    /// If that is not a size.
    pub(in crate::task) fn from_env() -> Result<Self, InputError> {
        bounded::max_data().map(Self::new)
    }

    pub(in crate::task) const fn new(limit: u64) -> Self {
        Self { limit, left: limit }
    }

    /// Returns the bytes that were allowed at first.
    pub(super) const fn limit(&self) -> u64 {
        self.limit
    }

    /// Counts a row.
    ///
    /// # Errors
    /// If the rows take more than the limit.
    pub(super) fn hold(&mut self, row: &DataRow) -> Result<(), InputError> {
        let columns = row.columns.iter().map(|(name, value)| COLUMN + name.len() as u64 + bytes(value));
        self.spend(ROW + columns.sum::<u64>())
    }

    /// Counts a row that is read but not kept: a small file may contain billions of them.
    ///
    /// # Errors
    /// If there are too many.
    pub(super) fn skip(&mut self) -> Result<(), InputError> {
        self.spend(VALUE)
    }

    /// Checks that the largest object in a JSON text can be parsed: it may have as many values as there are separators.
    ///
    /// # Errors
    /// If its values may take more than the memory left.
    pub(super) fn check_json(&self, text: &str) -> Result<(), InputError> {
        let values = text.bytes().filter(|byte| b",:[{".contains(byte)).count() as u64;
        if values * PARSED <= self.left { Ok(()) } else { Err(bounded::too_large("its values may take", self.left)) }
    }

    fn spend(&mut self, bytes: u64) -> Result<(), InputError> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(bounded::too_large("the rows of the task take", self.limit)),
        }
    }
}

/// Returns the bytes of a value beyond those of its place.
fn bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Array(values) => values.iter().map(|value| VALUE + bytes(value)).sum(),
        Value::Object(map) => map.iter().map(|(name, value)| COLUMN + name.len() as u64 + bytes(value)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_counted_until_the_limit() {
        let Value::Object(columns) = json!({"text": "abcdefgh", "list": [1, "ab"]}) else { unreachable!() };
        let row = DataRow { line: 1, columns };
        let size = ROW + 2 * COLUMN + 8 + 8 + 2 * VALUE + 2;
        let mut memory = Memory::new(2 * size + VALUE);
        assert!(memory.hold(&row).is_ok() && memory.hold(&row).is_ok() && memory.skip().is_ok());
        let message = memory.skip().unwrap_err().to_string();
        assert!(message.contains("more than") && message.contains("PARTSCOPE_MAX_DATA=4GB"), "{message}");
    }
}
