//! Reading config.json with errors that name the field.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{InputError, Result};

/// The largest size that a field of a configuration may name: keeps products of sizes far from overflow.
const LARGEST: u64 = 1 << 31;
/// The largest number of layers, heads or experts, and the widest head: lists of them must fit into memory.
const MOST: usize = 1 << 16;

/// A parsed config.json.
#[derive(Clone, Debug)]
pub struct Config {
    path: PathBuf,
    /// Fields that lead here from the top of the file, each with a dot behind.
    within: String,
    value: Value,
}

impl Config {
    /// Parses `bytes`; `path` is named in errors.
    ///
    /// # Errors
    /// If they are not a JSON object.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| InputError::new(error.to_string()).path(path).line(error.line()))?;
        if !value.is_object() {
            return Err(InputError::new("the file does not hold a JSON object").path(path).into());
        }
        Ok(Self::new(path, value))
    }

    /// A configuration that was made from the file at `path`.
    pub(crate) fn new(path: &Path, value: Value) -> Self {
        Self { path: path.to_owned(), within: String::new(), value }
    }

    /// The object that `field` holds, if it holds one.
    pub fn section(&self, field: &str) -> Option<Self> {
        let value = self.get(field).filter(|value| value.is_object())?.clone();
        Some(Self { path: self.path.clone(), within: format!("{}{field}.", self.within), value })
    }

    /// All of it as JSON.
    pub(crate) fn text(&self) -> String {
        self.value.to_string()
    }

    /// The file it came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value of `field`, unless it is absent or null.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.value.get(field).filter(|value| !value.is_null())
    }

    /// An error about `field`.
    pub fn wrong(&self, field: &str, problem: impl Into<String>) -> InputError {
        InputError::new(problem).path(&self.path).field(format!("{}{field}", self.within))
    }

    /// A size of at least 1.
    ///
    /// # Errors
    /// If it is absent or not a whole number between 1 and 2³¹.
    pub fn size(&self, field: &str) -> Result<usize> {
        let value = self.get(field).ok_or_else(|| self.wrong(field, "the field is missing"))?;
        match value.as_u64() {
            Some(size) if (1..=LARGEST).contains(&size) => Ok(size as usize),
            _ => Err(self.wrong(field, format!("{value} is not a size between 1 and {LARGEST}")).into()),
        }
    }

    /// A size, or `default` if the field is absent.
    ///
    /// # Errors
    /// If it is there and not a size.
    pub fn size_or(&self, field: &str, default: usize) -> Result<usize> {
        if self.get(field).is_some() { self.size(field) } else { Ok(default) }
    }

    /// A size of at most 65536, for layers, heads and the like.
    ///
    /// # Errors
    /// If it is absent or no such size.
    pub fn count(&self, field: &str) -> Result<usize> {
        match self.size(field)? {
            count if count <= MOST => Ok(count),
            count => Err(self.wrong(field, format!("{count} is more than {MOST}")).into()),
        }
    }

    /// Such a size, or `default` if the field is absent.
    ///
    /// # Errors
    /// If it is there and no such size.
    pub fn count_or(&self, field: &str, default: usize) -> Result<usize> {
        if self.get(field).is_some() { self.count(field) } else { Ok(default) }
    }

    /// A finite number.
    ///
    /// # Errors
    /// If it is absent or not a finite number.
    pub fn number(&self, field: &str) -> Result<f64> {
        self.get(field).ok_or_else(|| self.wrong(field, "the field is missing"))?;
        self.number_or(field, 0.0)
    }

    /// A finite number above zero, or `default` if the field is absent.
    ///
    /// # Errors
    /// If it is there and not such a number.
    pub fn positive_or(&self, field: &str, default: f64) -> Result<f64> {
        let number = self.number_or(field, default)?;
        if number > 0.0 { Ok(number) } else { Err(self.wrong(field, format!("{number} is not above zero")).into()) }
    }

    /// `count` finite numbers.
    ///
    /// # Errors
    /// If the field is absent, or not a list of so many numbers.
    pub fn numbers(&self, field: &str, count: usize) -> Result<Vec<f64>> {
        let list = self.get(field).and_then(Value::as_array);
        let numbers = list.map(|list| list.iter().filter_map(Value::as_f64).filter(|x| x.is_finite()).collect());
        let numbers: Vec<f64> = numbers.unwrap_or_default();
        if numbers.len() == count && list.is_some_and(|list| list.len() == count) {
            return Ok(numbers);
        }
        Err(self.wrong(field, format!("the field must be a list of {count} numbers")).into())
    }

    /// A finite number, or `default` if the field is absent.
    ///
    /// # Errors
    /// If it is there and not a finite number.
    pub fn number_or(&self, field: &str, default: f64) -> Result<f64> {
        match self.get(field) {
            None => Ok(default),
            Some(value) => value
                .as_f64()
                .filter(|number| number.is_finite())
                .ok_or_else(|| self.wrong(field, format!("{value} is not a number")).into()),
        }
    }

    /// A flag, or `default` if the field is absent.
    ///
    /// # Errors
    /// If it is there and neither true nor false.
    pub fn flag_or(&self, field: &str, default: bool) -> Result<bool> {
        match self.get(field) {
            None => Ok(default),
            Some(value) => {
                value.as_bool().ok_or_else(|| self.wrong(field, format!("{value} is neither true nor false")).into())
            }
        }
    }

    /// A text, if the field holds one.
    pub fn string(&self, field: &str) -> Option<String> {
        self.get(field)?.as_str().map(str::to_owned)
    }

    /// A list of texts; empty if the field holds none.
    pub fn strings(&self, field: &str) -> Vec<String> {
        let list = self.get(field).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }
}
