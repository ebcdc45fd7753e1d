//! Runs on disk.
//!
//! [`Destination`] and [`open`] write and read a folder that the user named. [`Store`] keeps what the model computed
//! under the user's cache, named by all that determines it, so that the same request is never computed twice.

mod beside;
mod entry;
mod folder;
mod key;
mod lock;
mod partial;
mod seal;
mod table;
mod upkeep;

use std::{
    fs,
    path::{Path, PathBuf},
};

use directories::ProjectDirs;

pub use beside::Beside;
pub use entry::{Content, Entry};
pub use folder::{Destination, open};
pub use key::{Key, KeyMaker};
pub use lock::Claim;
pub use partial::{About, Partial};
pub use upkeep::{Limits, Pruned, Verdict};

use crate::error::{Error, InputError, Result};

/// Names the folder of the store, or `off`.
pub const VARIABLE: &str = "PARTSCOPE_CACHE";

/// A folder of what the model computed: whole runs, label logits, and the beginnings of interrupted runs.
///
/// Layout: `entries/<key>` (sealed with checksums), `partial/<key>` (batches as they came), `damaged/<key>.<n>` (set
/// aside), `locks/`. Entries appear whole or not at all; [`Store::claim`] keeps two processes from computing the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    root: Option<PathBuf>,
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

    fn entry_folder(&self, key: &Key) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join("entries").join(key.as_str()))
    }

    fn partial_folder(&self, key: &Key) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join("partial").join(key.as_str()))
    }
}

/// A folder that is made if need be.
fn made(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })
}

/// Names in a folder that could be keys; none if there is no such folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
