//! Metadata of a GGUF file, with errors that name the key.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value as Json, json};

use super::reader::Value;
use crate::{
    error::{InputError, Result},
    model::family::ARCHITECTURES,
};

/// Metadata of one model; errors name the key and the file.
pub(super) struct Metadata<'a> {
    pub(super) path: &'a Path,
    pub(super) values: &'a BTreeMap<String, Value>,
}

impl Metadata<'_> {
    /// Creates an error about `key`.
    pub(super) fn error(&self, key: &str, problem: impl Into<String>) -> InputError {
        InputError::new(problem).path(self.path).field(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.values.get(key) {
            Some(&Value::Flag(flag)) => Some(flag),
            _ => None,
        }
    }

    pub(super) fn list(&self, key: &str) -> Option<&[Value]> {
        match self.values.get(key) {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    /// Returns a number of any type, also one that is given for every layer, or `None` if `key` holds none.
    pub(super) fn number(&self, key: &str) -> Option<Json> {
        match self.values.get(key)? {
            Value::List(list) => {
                let first = plain_number(list.first()?);
                first.filter(|first| list.iter().all(|value| plain_number(value).as_ref() == Some(first)))
            }
            value => plain_number(value),
        }
    }

    /// Checks that the numbers of `architecture` are finite, and that no field that config.json needs holds anything
    /// else than a number: it would silently become a default.
    pub(super) fn check_numbers(&self, architecture: &str, fields: &[(&str, &str)]) -> Result<()> {
        let own = |key: &str| key.strip_prefix(architecture).is_some_and(|rest| rest.starts_with('.'));
        for (key, value) in self.values.iter().filter(|(key, _)| own(key)) {
            let list = match value {
                Value::List(list) => list.as_slice(),
                value => std::slice::from_ref(value),
            };
            for number in list {
                if let Value::Float(number) = number
                    && !(*number as f32).is_finite()
                {
                    let help = "the file is damaged or was converted wrongly: convert the model again";
                    return Err(self.error(key, format!("{number} is not a finite number")).help(help).into());
                }
            }
        }
        for (_, name) in fields {
            let key = format!("{architecture}.{name}");
            if self.values.contains_key(&key) && self.number(&key).is_none() {
                return Err(self.error(&key, "the value is not one number").into());
            }
        }
        Ok(())
    }

    pub(super) fn size(&self, key: &str) -> Option<usize> {
        self.number(key)?.as_u64()?.try_into().ok()
    }

    /// Returns `general.architecture`, or an error if it is missing or not supported.
    pub(super) fn architecture(&self) -> Result<&str> {
        let key = "general.architecture";
        let given = self.text(key).ok_or_else(|| self.error(key, "the key is missing"))?;
        if ARCHITECTURES.iter().any(|known| known.gguf == Some(given)) {
            return Ok(given);
        }
        let known = crate::text::list(ARCHITECTURES.iter().filter_map(|known| known.gguf));
        let problem = format!("the architecture `{given}` is not supported");
        Err(self.error(key, problem).help(format!("supported architectures: {known}")).into())
    }
}

/// Returns a value that is one number.
fn plain_number(value: &Value) -> Option<Json> {
    match value {
        Value::Unsigned(number) => Some(json!(number)),
        Value::Signed(number) => Some(json!(number)),
        // Files hold f32; the shortest decimal with the same f32 value is the one in config.json.
        Value::Float(number) => (*number as f32).to_string().parse::<f64>().ok().map(|number| json!(number)),
        _ => None,
    }
}
