//! Where the store is.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::key::EntryKey;
use crate::error::{InputError, Result};

/// Names the folder of the store, or `off`.
pub const VARIABLE: &str = "PARTSCOPE_CACHE";

/// A folder of what the model computed: whole runs, label logits, and the beginnings of interrupted runs.
///
/// Layout: `entries/<key>` (sealed with checksums), `partial/<key>` (batches as they came), `damaged/<key>.<n>` (set
/// aside), `locks/`. Entries appear whole or not at all; [`Store::claim`] keeps two processes from computing the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    pub(super) root: Option<PathBuf>,
}

impl Store {
    /// Keeps nothing and finds nothing.
    pub const fn none() -> Self {
        Self { root: None }
    }

    /// Keeps entries in `folder`, which is made when needed.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { root: Some(folder.into()) }
    }

    /// The store of this user: where `PARTSCOPE_CACHE` says, else in the user's cache folder.
    ///
    /// # Errors
    /// If the user has no folder for caches.
    pub fn of_user() -> Result<Self> {
        match std::env::var_os(VARIABLE) {
            Some(value) if value == "off" => Ok(Self::none()),
            Some(folder) if !folder.is_empty() => Ok(Self::at(folder)),
            _ => ProjectDirs::from("", "", "partscope").map(|folders| Self::at(folders.cache_dir())).ok_or_else(|| {
                let cure = format!("set {VARIABLE} to a folder, or to `off`");
                InputError::new("this user has no home folder for a cache").cure(cure).into()
            }),
        }
    }

    /// Its folder; `None` for a store that keeps nothing.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    pub(super) fn entry_folder(&self, key: &EntryKey) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join("entries").join(key.as_str()))
    }

    pub(super) fn partial_folder(&self, key: &EntryKey) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join("partial").join(key.as_str()))
    }
}
