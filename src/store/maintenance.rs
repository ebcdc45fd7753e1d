//! Removes, verifies and prunes entries of the store.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{
    checksums,
    directories::names,
    entry::{Content, Entry, size},
    key::EntryKey,
    root::Store,
};
use crate::{
    cancel::Cancel,
    error::{Error, InputError, Result},
};

/// Result of [`Store::verify`] for one entry.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckResult {
    /// The entry.
    pub entry: Entry,
    /// What is wrong with it; a damaged entry is set aside.
    pub problem: Option<String>,
}

/// Limits of [`Store::prune`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Removes entries that have not been used for longer.
    pub age: Option<Duration>,
    /// Removes the least recently used entries until at most this many bytes are left.
    pub bytes: Option<u64>,
}

/// Entries and bytes removed by [`Store::prune`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Number of entries, including damaged and partial ones.
    pub entries: usize,
    /// Bytes on disk.
    pub bytes: u64,
}

impl Store {
    /// Removes the entry under `key`; returns whether there was one.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self, key: &EntryKey) -> Result<bool> {
        let Some(_claim) = self.try_claim(key)? else {
            let problem = format!("`{key}` is being computed by another process");
            return Err(InputError::new(problem).help("wait for it, or stop it").into());
        };
        let mut removed = false;
        for folder in [self.entry_folder(key), self.partial_folder(key)].into_iter().flatten() {
            if folder.exists() {
                delete(&folder)?;
                removed = true;
            }
        }
        Ok(removed)
    }

    /// Checks every complete entry against its checksums and sets damaged ones aside.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn verify(&self, cancel: &Cancel, observe: &mut dyn FnMut(&CheckResult)) -> Result<()> {
        for entry in self.list() {
            cancel.check()?;
            if matches!(entry.content, Content::Interrupted(_)) {
                observe(&CheckResult { entry, problem: None });
                continue;
            }
            let Some(_claim) = self.try_claim(&entry.key)? else { continue };
            if !entry.folder.exists() {
                continue;
            }
            let problem = match &entry.content {
                Content::Damaged(problem) => Some(problem.clone()),
                _ => checksums::verify(&entry.folder).err().map(|error| error.to_string()),
            };
            if problem.is_some() {
                self.set_aside(&entry.folder);
            }
            observe(&CheckResult { entry, problem });
        }
        Ok(())
    }

    /// Returns the size of the damaged entries that were set aside, in bytes.
    pub fn damaged_bytes(&self) -> u64 {
        let Some(aside) = self.root().map(|root| root.join("damaged")) else { return 0 };
        names(&aside).iter().map(|name| size(&aside.join(name))).sum()
    }

    /// Removes damaged entries, entries left incomplete by a crash, and entries beyond `limits`.
    ///
    /// # Errors
    /// If an entry cannot be removed.
    pub fn prune(&self, limits: &Limits) -> Result<Pruned> {
        let mut pruned = Pruned::default();
        let Some(root) = self.root() else { return Ok(pruned) };
        let mut drop_folder = |folder: &Path| -> Result<()> {
            pruned = Pruned { entries: pruned.entries + 1, bytes: pruned.bytes + size(folder) };
            delete(folder)
        };
        let aside = root.join("damaged");
        for name in names(&aside) {
            drop_folder(&aside.join(name))?;
        }
        let entries = root.join("entries");
        for name in names(&entries).into_iter().filter(|name| name.starts_with("new-")) {
            let folder = entries.join(name);
            if age(fs::metadata(&folder).and_then(|data| data.modified()).ok()) > Duration::from_secs(3600) {
                drop_folder(&folder)?;
            }
        }
        let mut left: u64 = 0;
        for entry in self.list() {
            let old = limits.age.is_some_and(|limit| age(entry.used) > limit);
            let fits = limits.bytes.is_none_or(|limit| left + entry.bytes <= limit);
            if fits && !old {
                left += entry.bytes;
            } else {
                let Some(_claim) = self.try_claim(&entry.key)? else { continue };
                if entry.folder.exists() {
                    drop_folder(&entry.folder)?;
                }
            }
        }
        Ok(pruned)
    }
}

fn age(used: Option<SystemTime>) -> Duration {
    used.and_then(|used| SystemTime::now().duration_since(used).ok()).unwrap_or_default()
}

fn delete(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })
}
