//! Reader for config.json whose errors name the field.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{
    data_memory::check_json,
    error::{InputError, Result},
};

/// Largest size accepted in a configuration, so that products of sizes cannot overflow.
const MAX_SIZE: u64 = 1 << 31;
/// Largest number of layers, heads or experts, and largest head width: lists of that length must fit in memory.
const MAX_COUNT: usize = 1 << 16;

/// A parsed config.json.
#[derive(Clone, Debug)]
pub struct Config {
    path: PathBuf,
    /// Names of the enclosing fields, each followed by a dot.
    prefix: String,
    value: Value,
    /// Architecture of the whole model, if this is the configuration of its text half.
    whole: Option<String>,
}

impl Config {
    /// Parses `bytes`; errors name `path`.
    ///
    /// # Errors
    /// If `bytes` is not a JSON object.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        check_json(bytes).map_err(|error| error.path(path))?;
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| InputError::new(error.to_string()).path(path).line(error.line()))?;
        if !value.is_object() {
            return Err(InputError::new("the file is not a JSON object").path(path).into());
        }
        Ok(Self::new(path, value))
    }

    /// Wraps `value`, which comes from the file at `path`.
    pub(crate) fn new(path: &Path, value: Value) -> Self {
        Self { path: path.to_owned(), prefix: String::new(), value, whole: None }
    }

    /// Returns the object in `field`, or `None` if it holds none.
    pub fn section(&self, field: &str) -> Option<Self> {
        let value = self.get(field).filter(|value| value.is_object())?.clone();
        Some(Self { path: self.path.clone(), prefix: format!("{}{field}.", self.prefix), value, whole: None })
    }

    /// Sets `field` to `value` unless it is given.
    #[must_use]
    pub(crate) fn with_default(mut self, field: &str, value: Value) -> Self {
        if self.get(field).is_none() {
            self.value[field] = value;
        }
        self
    }

    /// Marks this as the configuration of the text half of a model of architecture `whole`.
    #[must_use]
    pub(crate) fn half_of(self, whole: &str) -> Self {
        Self { whole: Some(whole.to_owned()), ..self }
    }

    /// Returns the architecture of the whole model, if this is the configuration of its text half.
    pub(crate) fn whole(&self) -> Option<&str> {
        self.whole.as_deref()
    }

    /// Returns the whole configuration as JSON text.
    pub(crate) fn text(&self) -> String {
        self.value.to_string()
    }

    /// Returns the whole configuration.
    #[cfg_attr(not(feature = "cross-check"), allow(dead_code, reason = "the cross-check uses it"))]
    pub(crate) const fn value(&self) -> &Value {
        &self.value
    }

    /// Replaces all fields.
    #[cfg_attr(not(feature = "cross-check"), allow(dead_code, reason = "the cross-check uses it"))]
    #[must_use]
    pub(crate) fn with_value(self, value: Value) -> Self {
        Self { value, ..self }
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the value of `field`, or `None` if it is absent or null.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.value.get(field).filter(|value| !value.is_null())
    }

    /// Returns whether `field` is in the file, null included.
    pub fn names(&self, field: &str) -> bool {
        self.value.get(field).is_some()
    }

    /// Creates an error about `field`.
    pub fn error(&self, field: &str, problem: impl Into<String>) -> InputError {
        InputError::new(problem).path(&self.path).field(format!("{}{field}", self.prefix))
    }

    /// Returns a size between 1 and 2³¹.
    ///
    /// # Errors
    /// If the field is absent or not a whole number in this range.
    pub fn size(&self, field: &str) -> Result<usize> {
        let value = self.get(field).ok_or_else(|| self.error(field, "the field is missing"))?;
        match value.as_u64() {
            Some(size) if (1..=MAX_SIZE).contains(&size) => Ok(size as usize),
            _ => Err(self.error(field, format!("{value} is not a size between 1 and {MAX_SIZE}")).into()),
        }
    }

    /// Returns a size as [`Config::size`] does, or `default` if the field is absent.
    ///
    /// # Errors
    /// If the field holds anything else.
    pub fn size_or(&self, field: &str, default: usize) -> Result<usize> {
        if self.get(field).is_some() { self.size(field) } else { Ok(default) }
    }

    /// Returns a count between 1 and 65536, as for layers or heads.
    ///
    /// # Errors
    /// If the field is absent or not a whole number in this range.
    pub fn count(&self, field: &str) -> Result<usize> {
        match self.size(field)? {
            count if count <= MAX_COUNT => Ok(count),
            count => Err(self.error(field, format!("{count} is more than {MAX_COUNT}")).into()),
        }
    }

    /// Returns a count as [`Config::count`] does, or `default` if the field is absent.
    ///
    /// # Errors
    /// If the field holds anything else.
    pub fn count_or(&self, field: &str, default: usize) -> Result<usize> {
        if self.get(field).is_some() { self.count(field) } else { Ok(default) }
    }

    /// Returns a finite number.
    ///
    /// # Errors
    /// If the field is absent or not a finite number.
    pub fn number(&self, field: &str) -> Result<f64> {
        self.get(field).ok_or_else(|| self.error(field, "the field is missing"))?;
        self.number_or(field, 0.0)
    }

    /// Returns a finite number above zero, or `default` if the field is absent. Models compute in f32, so the number must
    /// be above zero and finite there.
    ///
    /// # Errors
    /// If the field holds anything else.
    pub fn positive_or(&self, field: &str, default: f64) -> Result<f64> {
        let number = self.number_or(field, default)?;
        if number as f32 > 0.0 {
            Ok(number)
        } else {
            Err(self.error(field, format!("{number} is not greater than zero")).into())
        }
    }

    /// Returns a list of `count` finite numbers.
    ///
    /// # Errors
    /// If the field is absent or not a list of `count` finite numbers.
    pub fn numbers(&self, field: &str, count: usize) -> Result<Vec<f64>> {
        let list = self.get(field).and_then(Value::as_array);
        let numbers = list.map(|list| list.iter().filter_map(Value::as_f64).filter(|x| x.is_finite()).collect());
        let numbers: Vec<f64> = numbers.unwrap_or_default();
        if numbers.len() == count && list.is_some_and(|list| list.len() == count) {
            return Ok(numbers);
        }
        Err(self.error(field, format!("the field must be a list of {count} numbers")).into())
    }

    /// Returns a finite number, or `default` if the field is absent.
    ///
    /// # Errors
    /// If the field holds anything else.
    pub fn number_or(&self, field: &str, default: f64) -> Result<f64> {
        match self.get(field) {
            None => Ok(default),
            Some(value) => value
                .as_f64()
                .filter(|number| (*number as f32).is_finite())
                .ok_or_else(|| self.error(field, format!("{value} is not a finite number")).into()),
        }
    }

    /// Returns a boolean, or `default` if the field is absent.
    ///
    /// # Errors
    /// If the field holds anything else.
    pub fn flag_or(&self, field: &str, default: bool) -> Result<bool> {
        match self.get(field) {
            None => Ok(default),
            Some(value) => {
                value.as_bool().ok_or_else(|| self.error(field, format!("{value} is neither true nor false")).into())
            }
        }
    }

    /// Returns a string, or `None` if the field holds none.
    pub fn string(&self, field: &str) -> Option<String> {
        self.get(field)?.as_str().map(str::to_owned)
    }

    /// Returns the strings of a list, or an empty list if the field is not a list.
    pub fn strings(&self, field: &str) -> Vec<String> {
        let list = self.get(field).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }
}
