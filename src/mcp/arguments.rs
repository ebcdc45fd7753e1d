//! Arguments of a tool call.

use serde_json::{Map, Value};

/// The arguments of one call, checked as they are read.
#[derive(Clone, Debug)]
pub(super) struct Arguments(Map<String, Value>);

impl Arguments {
    /// Takes the arguments of a call of a tool that knows the fields `known`.
    ///
    /// # Errors
    /// If there is another one.
    pub(super) fn new(given: Option<Map<String, Value>>, known: &[&str]) -> Result<Self, String> {
        let given = given.unwrap_or_default();
        match given.keys().find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(format!("there is no argument `{unknown}`; there are: {}", known.join(", "))),
            None => Ok(Self(given)),
        }
    }

    /// Returns a text.
    ///
    /// # Errors
    /// If it is there and is none.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        self.read(name, "a text", Value::as_str)
    }

    /// Returns a text that must be there.
    ///
    /// # Errors
    /// If it is missing or is none.
    pub(super) fn required(&self, name: &str) -> Result<&str, String> {
        self.text(name)?.ok_or_else(|| format!("the argument `{name}` is missing"))
    }

    /// Returns a number of things, at most `most`.
    ///
    /// # Errors
    /// If it is there and is none, or is larger.
    pub(super) fn count(&self, name: &str, most: usize) -> Result<Option<usize>, String> {
        match self.read(name, "a whole number", Value::as_u64)? {
            Some(count) if count > most as u64 => Err(format!("`{name}` is at most {most} here, not {count}")),
            count => Ok(count.map(|count| count as usize)),
        }
    }

    /// Returns whether a flag is set.
    ///
    /// # Errors
    /// If it is there and is none.
    pub(super) fn flag(&self, name: &str) -> Result<bool, String> {
        Ok(self.read(name, "true or false", Value::as_bool)?.unwrap_or(false))
    }

    /// Returns a list of texts.
    ///
    /// # Errors
    /// If it is there and is none.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, String> {
        self.read(name, "a list of texts", |value| value.as_array()?.iter().map(Value::as_str).collect())
    }

    /// Returns numbers by name.
    ///
    /// # Errors
    /// If it is there and is none.
    pub(super) fn numbers(&self, name: &str) -> Result<Option<Vec<(&str, f64)>>, String> {
        let Some(map) = self.read(name, "an object of numbers", Value::as_object)? else { return Ok(None) };
        let numbers = map.iter().map(|(key, value)| Some((key.as_str(), value.as_f64()?)));
        numbers.collect::<Option<_>>().map(Some).ok_or_else(|| format!("`{name}` is an object of numbers"))
    }

    fn read<'a, T>(&'a self, name: &str, kind: &str, of: impl Fn(&'a Value) -> Option<T>) -> Result<Option<T>, String> {
        match self.0.get(name).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => of(value).map(Some).ok_or_else(|| format!("`{name}` is {kind}, not {value}")),
        }
    }
}
