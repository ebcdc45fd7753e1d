//! Keys of entries: hashes of everything that determines their content.

use std::{fmt, str::FromStr};

use crate::{
    error::{InputError, Result},
    run::SCHEMA,
};

/// Hexadecimal digits of a key: 128 bits.
pub(super) const DIGITS: usize = 32;

/// Key of an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey(String);

impl EntryKey {
    /// Returns its hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EntryKey {
    type Err = InputError;

    fn from_str(text: &str) -> Result<Self, InputError> {
        if text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            return Ok(Self(text.to_owned()));
        }
        Err(InputError::new(format!("`{text}` is not a key of the store")).help("`partscope cache list` shows them"))
    }
}

/// Revision of the code that computes attributions. Raise it with every change that alters the bytes of a run: it is
/// part of all keys, so entries that an earlier revision computed are not used.
pub const ENGINE_REVISION: u32 = 3;

/// Hashes the parts that determine an entry: BLAKE3 over length-prefixed parts, starting with the entry's kind, the
/// revision of the engine and the schema of its files.
#[derive(Debug)]
pub struct KeyMaker(blake3::Hasher);

impl KeyMaker {
    /// Starts the key of an entry of `kind`: runs and logits of the same prompts have different keys.
    pub fn new(kind: &str) -> Self {
        Self::at_revision(kind, ENGINE_REVISION)
    }

    /// As [`KeyMaker::new`], for the revision `engine` of the engine.
    fn at_revision(kind: &str, engine: u32) -> Self {
        Self(blake3::Hasher::new()).text(kind).text(&format!("engine {engine}")).text(&SCHEMA.to_string())
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.0.update(&(text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
        self
    }

    /// Adds a list of numbers, e.g. token ids.
    #[must_use]
    pub fn numbers(mut self, numbers: impl ExactSizeIterator<Item = u64>) -> Self {
        self.0.update(&(numbers.len() as u64).to_le_bytes());
        for number in numbers {
            self.0.update(&number.to_le_bytes());
        }
        self
    }

    /// Returns the key.
    pub fn finish(self) -> EntryKey {
        EntryKey(self.0.finalize().to_hex()[..DIGITS].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn keys_depend_on_the_boundaries_between_parts() {
        let key = |parts: &[&str]| parts.iter().fold(KeyMaker::new("run"), |maker, part| maker.text(part)).finish();
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_eq!(key(&["ab", "c"]), key(&["ab", "c"]));
        assert_ne!(KeyMaker::new("run").finish(), KeyMaker::new("logits").finish());
        let numbers = |list: &[u64]| KeyMaker::new("run").numbers(list.iter().copied()).finish();
        assert_ne!(numbers(&[1, 2]), numbers(&[2, 1]));
    }

    #[test]
    fn an_entry_of_the_former_revision_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        let former = KeyMaker::at_revision("logits", ENGINE_REVISION - 1).text("prompts").finish();
        let now = KeyMaker::new("logits").text("prompts").finish();
        store.keep_logits(&former, &[1.0, 2.0]).unwrap();
        assert_eq!(store.logits(&former, 2, &mut |_| {}), Some(vec![1.0, 2.0]));
        assert_eq!(store.logits(&now, 2, &mut |_| {}), None);
    }

    #[test]
    fn only_valid_keys_parse() {
        let key = KeyMaker::new("run").finish();
        assert_eq!(key.as_str().parse::<EntryKey>().unwrap(), key);
        for bad in ["", "../x", "0123", &"g".repeat(32), &"A".repeat(32)] {
            assert!(bad.parse::<EntryKey>().is_err(), "{bad}");
        }
    }
}
