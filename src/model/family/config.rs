//! Reading config.json with errors that name the field.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{InputError, Result};

/// The largest size that a field of a configuration may name: keeps products of sizes far from overflow.
const LARGEST: u64 = 1 << 31;

/// A parsed config.json.
#[derive(Clone, Debug)]
pub struct Config {
    path: PathBuf,
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
        Ok(Self { path: path.to_owned(), value })
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
        InputError::new(problem).path(&self.path).field(field)
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
