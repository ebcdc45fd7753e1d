//! Counts the memory that data takes: rows, examples, prompts, and JSON texts while they are parsed.
//!
//! JSON is the widest: two bytes of text can become three hundred of memory. What is counted is what the allocator gives,
//! and so depends neither on the machine nor on what else it does.

use serde_json::{Map, Value};

use crate::{
    bounded::{self, VARIABLE},
    error::InputError,
    size::format_size,
};

/// Bytes of a row without its columns: what it takes as an example later.
const ROW: u64 = 96;
/// Bytes of a column in a map: its hash, name, value and index.
const ENTRY: u64 = 112;
/// Bytes of a value inside a list.
const VALUE: u64 = size_of::<Value>() as u64;
/// Bytes that the allocator adds to a text.
const TEXT: u64 = 16;
/// A list has room for this many values as soon as it has one, and so has a map.
const LEAST: u64 = 4;
/// Texts below this length are parsed unchecked: even one of brackets only takes less than 160 MB.
const SHORT: usize = 1_000_000;

/// Memory for data.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: u64,
    left: u64,
}

impl Memory {
    /// Allows what `PARTSCOPE_MAX_DATA` says.
    ///
    /// # Errors
    /// If that is not a size.
    pub(crate) fn from_env() -> Result<Self, InputError> {
        bounded::max_data().map(Self::new)
    }

    /// Allows `limit` bytes.
    pub(crate) const fn new(limit: u64) -> Self {
        Self { limit, left: limit }
    }

    /// Returns how much a single part may take: an object while it is parsed, or the pages of a file in use.
    pub(crate) const fn for_part(&self) -> u64 {
        self.limit / 2
    }

    /// Counts a row of a table.
    ///
    /// # Errors
    /// If the rows take more than the limit.
    pub(crate) fn hold(&mut self, columns: &Map<String, Value>) -> Result<(), InputError> {
        self.spend(ROW + map(columns))
    }

    /// Counts a line with `text`, of which as much is kept.
    ///
    /// # Errors
    /// If the lines take more than the limit.
    pub(crate) fn hold_line(&mut self, text: &str) -> Result<(), InputError> {
        self.spend(ROW + TEXT + text.len() as u64)
    }

    /// Counts a row that is read but not kept: a small file may contain billions of them.
    ///
    /// # Errors
    /// If there are too many.
    pub(crate) fn skip(&mut self) -> Result<(), InputError> {
        self.spend(VALUE)
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
        Value::String(text) => TEXT + text.len() as u64,
        Value::Array(values) => VALUE * values.capacity() as u64 + values.iter().map(bytes).sum::<u64>(),
        Value::Object(columns) => map(columns),
        _ => 0,
    }
}

/// Returns the bytes of a map. Its table has a power of two as size, and is at most seven eighths full.
fn map(columns: &Map<String, Value>) -> u64 {
    let places = (columns.len() as u64 * 8).div_ceil(7).next_power_of_two().max(LEAST);
    let inner = columns.iter().map(|(name, value)| TEXT + name.len() as u64 + bytes(value)).sum::<u64>();
    if columns.is_empty() { 0 } else { places * ENTRY + inner }
}

/// Checks that a JSON text may be parsed: that its values take no more memory than `PARTSCOPE_MAX_DATA` allows.
///
/// # Errors
/// If they may take more, judged by brackets, separators and quotes.
pub(crate) fn check_json(text: &[u8]) -> Result<(), InputError> {
    let most = if text.len() < SHORT { u64::MAX } else { bounded::max_data()? };
    fits(text.len(), || parsed(text, false), most)
}

/// As [`check_json`], for objects that may take `most` bytes: the text itself or, if it is a list, any of its elements.
///
/// # Errors
/// As [`check_json`].
pub(crate) fn check_objects(text: &str, most: u64) -> Result<(), InputError> {
    fits(text.len(), || parsed(text.as_bytes(), text.trim_start().starts_with('[')), most)
}

fn fits(length: usize, parsed: impl Fn() -> u64, most: u64) -> Result<(), InputError> {
    if length < SHORT || parsed() <= most {
        return Ok(());
    }
    let problem = format!("its values may take more than {} of memory", format_size(most));
    Err(InputError::new(problem).help(format!("if you trust the file, raise the limit: {VARIABLE}=4GB")))
}

/// Returns the most memory that parsing the text takes: all of it, or any element of a list whose elements are parsed
/// one by one.
fn parsed(text: &[u8], one_by_one: bool) -> u64 {
    let (mut largest, mut size, mut depth) = (0, 0, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for &byte in text {
        size += 1;
        if in_text {
            in_text = byte != b'"' || escaped;
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'"' => (size, in_text) = (size + TEXT, true),
            b'[' => (size, depth) = (size + LEAST * VALUE, depth + 1),
            b'{' => (size, depth) = (size + LEAST * ENTRY, depth + 1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if one_by_one && depth == 1 => (largest, size) = (largest.max(size), 0),
            // A list or map that grows has up to twice the room that it needs. Members have a colon, too.
            b',' => size += 2 * VALUE,
            b':' => size += 2 * (ENTRY - VALUE),
            _ => {}
        }
    }
    largest.max(size)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn columns(value: Value) -> Map<String, Value> {
        let Value::Object(columns) = value else { unreachable!() };
        columns
    }

    #[test]
    fn rows_are_counted_until_the_limit() {
        let row = columns(json!({"text": "abcdefgh", "list": [1, "ab"]}));
        let size = ROW + LEAST * ENTRY + 8 + 8 + 3 * TEXT + (TEXT + 2) + 2 * VALUE;
        let mut memory = Memory::new(2 * size + VALUE);
        assert!(memory.hold(&row).is_ok() && memory.hold(&row).is_ok() && memory.skip().is_ok());
        let message = memory.skip().unwrap_err().to_string();
        assert!(message.contains("more than") && message.contains("PARTSCOPE_MAX_DATA=4GB"), "{message}");
    }

    #[test]
    fn nested_lists_are_counted_with_the_room_that_they_have() {
        let nested = "[".repeat(100) + &"]".repeat(100);
        let row = columns(serde_json::from_str(&format!("{{\"a\":{nested}}}")).unwrap());
        assert!(map(&row) >= 99 * LEAST * VALUE, "99 lists with one value each: {}", map(&row));
        assert!(map(&columns(json!({"a": {"b": {"c": 1}}}))) >= 3 * LEAST * ENTRY);
    }

    #[test]
    fn the_largest_object_is_found_by_its_brackets() {
        let of = |text: &str| parsed(text.as_bytes(), text.starts_with('['));
        assert!(of("[{\"a\":[1,2,3]},{}]") < of("[{\"a\":[1,2,3],\"b\":[1,2,3,4]}]"));
        assert_eq!(of(&format!("[{}{{}}]", "{},".repeat(1000))), of("[{},{}]"), "elements are parsed one by one");
        assert!(of("{\"a\":\"[[[[[[[[[[[[\\\"[[[[\"}") < of("{\"a\":[]}") + 100, "brackets in texts are text");
        for (text, least) in [("[[1]]", VALUE * LEAST), ("{\"a\":[1,1,1,1,1,1]}", ENTRY + 6 * VALUE)] {
            assert!(of(text) >= least, "{text}: {}", of(text));
        }
        let large = "[".to_owned() + &"[".repeat(SHORT);
        assert!(
            check_objects(&large, 100_000_000).unwrap_err().to_string().contains("values may take"),
            "{}",
            of(&large)
        );
        check_objects(&large, 1_000_000_000).unwrap();
    }
}
