//! Keeping the store in order: removing, verifying, pruning.

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

/// What [`Store::verify`] found out about an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckResult {
    /// The entry.
    pub entry: Entry,
    /// What is wrong with it; it has been set aside then.
    pub problem: Option<String>,
}

/// What [`Store::prune`] may leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Entries that were not used for longer go.
    pub age: Option<Duration>,
    /// The longest unused go until so many bytes are left.
    pub bytes: Option<u64>,
}

/// What [`Store::prune`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Entries, damaged ones and beginnings included.
    pub entries: usize,
    /// Bytes on disk.
    pub bytes: u64,
}

impl Store {
    /// Removes what is kept under `key`; whether there was something.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self, key: &EntryKey) -> Result<bool> {
        let Some(_claim) = self.try_claim(key)? else {
            let problem = format!("`{key}` is being computed now");
            return Err(InputError::new(problem).cure("wait for the other partscope, or stop it").into());
        };
        let mut found = false;
        for folder in [self.entry_folder(key), self.partial_folder(key)].into_iter().flatten() {
            if folder.exists() {
                delete(&folder)?;
                found = true;
            }
        }
        Ok(found)
    }

    /// Checks every whole entry against its checksums and sets aside what is damaged.
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
                _ => checksums::check(&entry.folder).err().map(|error| error.to_string()),
            };
            if problem.is_some() {
                self.set_aside(&entry.folder);
            }
            observe(&CheckResult { entry, problem });
        }
        Ok(())
    }

    /// Bytes of what was set aside as damaged.
    pub fn damaged_bytes(&self) -> u64 {
        let Some(aside) = self.root().map(|root| root.join("damaged")) else { return 0 };
        names(&aside).iter().map(|name| size(&aside.join(name))).sum()
    }

    /// Removes what was set aside, what a crash left half written, and what is beyond `limits`.
    ///
    /// # Errors
    /// If something cannot be removed.
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
