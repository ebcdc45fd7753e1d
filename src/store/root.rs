//! Location of the store.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::key::EntryKey;
use crate::{
    disk::expand,
    error::{InputError, Result},
};

/// Environment variable with the folder of the store, or `off`.
pub const VARIABLE: &str = "PARTSCOPE_CACHE";

/// Environment variable with the folder of a store that others fill, and that is only read.
pub const SHARED_VARIABLE: &str = "PARTSCOPE_SHARED_CACHE";

/// How the names of entries start while they are written: then follow their key and a random part.
pub(super) const NEW: &str = "new-";

/// Cache of model results: complete runs, label logits, and the batches of unfinished runs.
///
/// Layout: `entries/<key>` (with checksums), `partial/<key>` (batches of unfinished runs), `damaged/<key>.<n>` (entries
/// set aside), `leases/`. While an entry is written it is `entries/new-<key>-<random>`; [`Store::remove_leftovers`]
/// removes what a killed process left. Entries are written atomically; [`Store::lease`] lets other processes wait
/// instead of computing the same entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    pub(super) root: Option<PathBuf>,
    shared: Option<PathBuf>,
}

impl Store {
    /// Returns a store that keeps nothing.
    pub const fn none() -> Self {
        Self { root: None, shared: None }
    }

    /// Returns a store in `folder`, which is created when needed.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { root: Some(folder.into()), shared: None }
    }

    /// Returns the user's store: in the folder given by `PARTSCOPE_CACHE`, else in the user's cache folder.
    ///
    /// # Errors
    /// If the user has no cache folder.
    pub fn of_user() -> Result<Self> {
        match std::env::var_os(VARIABLE) {
            Some(value) if value == "off" => Ok(Self::none()),
            Some(folder) if !folder.is_empty() => Ok(Self::at(expand(Path::new(&folder)))),
            _ => ProjectDirs::from("", "", "partscope").map(|folders| Self::at(folders.cache_dir())).ok_or_else(|| {
                let help = format!("set {VARIABLE} to a folder, or to `off`");
                InputError::new("this user has no home folder for a cache").help(help).into()
            }),
        }
    }

    /// Returns the store with the shared store in `folder` beside it. A store that keeps nothing reads nothing either.
    #[must_use]
    pub fn with_shared(self, folder: Option<PathBuf>) -> Self {
        Self { shared: folder.filter(|folder| self.root.as_ref().is_some_and(|root| root != folder)), ..self }
    }

    /// Returns the folder of the shared store given by `PARTSCOPE_SHARED_CACHE`, if any.
    pub fn shared_of_user() -> Option<PathBuf> {
        let folder = std::env::var_os(SHARED_VARIABLE).filter(|folder| !folder.is_empty())?;
        Some(expand(Path::new(&folder)))
    }

    /// Returns the folder of the entry under `key` in the shared store, if it is there.
    pub(super) fn shared_entry(&self, key: &EntryKey) -> Option<PathBuf> {
        let folder = self.shared.as_ref()?.join("entries").join(key.as_str());
        folder.is_dir().then_some(folder)
    }

    /// Returns its folder; `None` for a store that keeps nothing.
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
