//! Removes, verifies and prunes entries of the store.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    checksums,
    entry::{Content, Entry, size},
    key::{DIGITS, EntryKey},
    root::{NEW, Store},
};
use crate::{
    cancel::Cancel,
    disk::{is_replaced, names, remove_folder, rename},
    error::{InputError, Result},
};

/// Result of [`Store::verify`] for one entry.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckResult {
    /// The entry.
    pub entry: Entry,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// Whether it was set aside because it is damaged; false in a store that cannot be written.
    pub set_aside: bool,
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
        let Some(_lease) = self.try_lease(key)? else {
            let problem = format!("`{key}` is being computed by another process");
            return Err(InputError::new(problem).help("wait for it, or stop it").into());
        };
        let mut removed = false;
        for folder in [self.entry_folder(key), self.partial_folder(key)].into_iter().flatten() {
            if folder.exists() {
                remove_folder(&folder)?;
                removed = true;
            }
        }
        Ok(removed)
    }

    /// Checks every complete entry against its checksums and sets damaged ones aside. A store that cannot be written is
    /// checked, too.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn verify(&self, cancel: &Cancel, observe: &mut dyn FnMut(&CheckResult)) -> Result<()> {
        for entry in self.list() {
            cancel.check()?;
            if matches!(entry.content, Content::Interrupted(_)) {
                observe(&CheckResult { entry, problem: None, set_aside: false });
                continue;
            }
            let lease = self.try_lease(&entry.key);
            if matches!(lease, Ok(None)) || !entry.folder.exists() {
                continue;
            }
            let problem = match &entry.content {
                Content::Damaged(problem) => Some(problem.clone()),
                _ => checksums::verify(&entry.folder).err().map(|error| error.to_string()),
            };
            let set_aside = problem.is_some() && lease.is_ok() && self.set_aside(&entry.folder);
            observe(&CheckResult { entry, problem, set_aside });
        }
        Ok(())
    }

    /// Removes what killed processes left: entries that were not finished, and batches of runs that are complete. Does
    /// nothing in a store that cannot be written.
    pub fn remove_leftovers(&self) {
        self.put_back();
        for folder in self.leftovers() {
            let _ = remove_folder(&folder);
        }
        self.remove_abandoned_leases();
    }

    /// Returns the folders of [`Store::remove_leftovers`] that no other process is using.
    fn leftovers(&self) -> Vec<PathBuf> {
        let Some(root) = self.root() else { return Vec::new() };
        let partial = root.join("partial");
        let finished = names(&partial).unwrap_or_default().into_iter().filter_map(|name| {
            let key: EntryKey = name.parse().ok()?;
            self.has_own(&key).then(|| (key, partial.join(name)))
        });
        let unused = |(key, folder): (EntryKey, PathBuf)| {
            let _lease = self.try_lease(&key).ok()??;
            // The only copy of an entry, which `put_back` could not move, is kept.
            (self.has_own(&key) || !is_replaced(&folder)).then_some(folder)
        };
        self.unfinished().chain(finished).filter_map(unused).collect()
    }

    /// Moves entries back into place whose process was killed between moving them aside and moving their successors
    /// into place.
    fn put_back(&self) {
        for (key, folder) in self.unfinished().filter(|(_, folder)| is_replaced(folder)) {
            if let (Ok(Some(_lease)), Some(place)) = (self.try_lease(&key), self.entry_folder(&key))
                && !place.exists()
            {
                let _ = rename(&folder, &place);
            }
        }
    }

    /// Returns the entries that were being written, with their keys.
    fn unfinished(&self) -> impl Iterator<Item = (EntryKey, PathBuf)> {
        let entries = self.root().map(|root| root.join("entries")).unwrap_or_default();
        names(&entries).unwrap_or_default().into_iter().filter_map(move |name| {
            let key: EntryKey = name.strip_prefix(NEW)?.get(..DIGITS)?.parse().ok()?;
            Some((key, entries.join(name)))
        })
    }

    /// Returns the size of the damaged entries that were set aside, in bytes.
    pub fn damaged_bytes(&self) -> u64 {
        let Some(aside) = self.root().map(|root| root.join("damaged")) else { return 0 };
        names(&aside).unwrap_or_default().iter().map(|name| size(&aside.join(name))).sum()
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
            remove_folder(folder)
        };
        let aside = root.join("damaged");
        for name in names(&aside).unwrap_or_default() {
            drop_folder(&aside.join(name))?;
        }
        self.put_back();
        for folder in self.leftovers() {
            drop_folder(&folder)?;
        }
        let mut left: u64 = 0;
        for entry in self.list() {
            let old = limits.age.is_some_and(|limit| age(entry.used) > limit);
            let fits = limits.bytes.is_none_or(|limit| left + entry.bytes <= limit);
            if fits && !old {
                left += entry.bytes;
            } else {
                let Some(_lease) = self.try_lease(&entry.key)? else { continue };
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
