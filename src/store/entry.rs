//! Reads, writes and lists the entries of the store.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    checksums, consistency, files,
    key::EntryKey,
    open::open,
    partial::Partial,
    root::{NEW, Store},
};
use crate::{
    disk::{self, Saving, create_folder, remove_folder, replace_folder, temporary_folder, write_whole},
    error::{InputError, Result},
    run::{Run, RunMeta},
};

const LOGITS: &str = "logits.f32";

/// Entry of the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its key.
    pub key: EntryKey,
    /// Its content.
    pub content: Content,
    /// Bytes on disk.
    pub bytes: u64,
    /// When it was last written or used.
    pub used: Option<SystemTime>,
    /// Its folder.
    pub folder: PathBuf,
}

/// Content of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A complete run. Its tables are not checked yet; [`Store::run`] checks them.
    Run(Box<RunMeta>),
    /// Label logits of prompts, for baselines.
    Logits,
    /// The first batches of an interrupted run.
    Interrupted(Box<super::About>),
    /// The entry cannot be read, with the reason.
    Damaged(String),
}

impl Store {
    /// Returns the run stored under `key` after checking it. A damaged run is set aside, reported to `damaged`, and not
    /// returned.
    pub fn run(&self, key: &EntryKey, damaged: &mut dyn FnMut(String)) -> Option<Run> {
        self.checked(key, damaged, open)
    }

    /// Returns the `expected` label logits stored under `key`, as [`Store::run`] does.
    pub fn logits(&self, key: &EntryKey, expected: usize, damaged: &mut dyn FnMut(String)) -> Option<Vec<f32>> {
        self.checked(key, damaged, |folder| {
            let path = folder.join(LOGITS);
            let bytes = disk::read(&path)?;
            let (values, rest) = bytes.as_chunks::<4>();
            if !rest.is_empty() || values.len() != expected {
                let problem = format!("{} bytes, not {}", bytes.len(), 4 * expected);
                return Err(InputError::new(problem).path(path).into());
            }
            Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        })
    }

    /// Returns whether an entry is stored under `key`, here or in the shared store.
    pub fn holds(&self, key: &EntryKey) -> bool {
        self.has_own(key) || self.shared_entry(key).is_some()
    }

    /// Returns whether an entry is stored under `key` in this store.
    pub(super) fn has_own(&self, key: &EntryKey) -> bool {
        self.entry_folder(key).is_some_and(|folder| folder.is_dir())
    }

    /// Stores `run` under `key` and removes its partial results.
    ///
    /// # Errors
    /// If the folder cannot be written, or [`open`] would refuse the run, e.g. because it has values that are not
    /// finite.
    pub fn keep_run(&self, key: &EntryKey, run: &Run) -> Result<()> {
        consistency::refuse(run)?;
        self.keep(key, |folder| files::write(run, folder).map(drop))?;
        // Another process may be writing batches of the same run. What stays is removed as a leftover.
        let _ = self.forget_partial(key);
        Ok(())
    }

    /// Stores label logits under `key`.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn keep_logits(&self, key: &EntryKey, logits: &[f32]) -> Result<()> {
        self.keep(key, |folder| {
            let bytes: Vec<u8> = logits.iter().flat_map(|value| value.to_le_bytes()).collect();
            write_whole(&folder.join(LOGITS), &bytes)
        })
    }

    /// Returns all entries, the most recently used first.
    pub fn list(&self) -> Vec<Entry> {
        let Some(root) = self.root() else { return Vec::new() };
        let all = |folder: &str| {
            let folder = root.join(folder);
            disk::names(&folder)
                .unwrap_or_default()
                .into_iter()
                .filter_map(move |name| Some((name.parse::<EntryKey>().ok()?, folder.join(&name))))
        };
        let complete = all("entries").map(|(key, folder)| entry(key, folder, content));
        let partial = all("partial").filter(|(key, _)| !self.has_own(key)).map(|(key, folder)| {
            entry(key, folder, |folder| match Partial::about(folder) {
                Ok(about) => Content::Interrupted(Box::new(about)),
                Err(error) => Content::Damaged(error.to_string()),
            })
        });
        let mut entries: Vec<Entry> = complete.chain(partial).collect();
        entries.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.key.cmp(&b.key)));
        entries
    }

    /// Returns the run stored under `key`, without setting aside a damaged one.
    ///
    /// # Errors
    /// If there is no such run, or it is damaged.
    pub fn read_run(&self, key: &EntryKey) -> Result<Run> {
        let own = self.entry_folder(key).filter(|folder| folder.is_dir());
        let folder = own.or_else(|| self.shared_entry(key)).ok_or_else(|| {
            InputError::new(format!("the store has no run `{key}`")).help("`partscope cache list` shows its entries")
        })?;
        checksums::verify(&folder)?;
        let run = open(&folder)?;
        checksums::mark_used(&folder);
        Ok(run)
    }

    /// Reads the entry under `key` with `read` after verifying its checksums, here or else in the shared store; sets it
    /// aside if it is damaged, except in the shared store.
    fn checked<T>(
        &self,
        key: &EntryKey,
        damaged: &mut dyn FnMut(String),
        read: impl Fn(&Path) -> Result<T>,
    ) -> Option<T> {
        let mut sound = |folder: &Path| match checksums::verify(folder).and_then(|()| read(folder)) {
            Ok(value) => Some(value),
            // Removed by another process, e.g. because it was damaged.
            Err(_) if !folder.exists() => None,
            Err(error) => {
                damaged(error.to_string());
                None
            }
        };
        if let Some(folder) = self.entry_folder(key).filter(|folder| folder.is_dir()) {
            if let Some(value) = sound(&folder) {
                checksums::mark_used(&folder);
                return Some(value);
            }
            self.set_aside(&folder);
        }
        self.shared_entry(key).and_then(|folder| sound(&folder))
    }

    /// Moves a damaged entry to `damaged/`, where it can be inspected; deletes it if that fails. Returns whether it is
    /// gone.
    pub(super) fn set_aside(&self, folder: &Path) -> bool {
        let (Some(root), Some(name)) = (self.root(), folder.file_name()) else { return false };
        let aside = root.join("damaged");
        let name = name.to_string_lossy();
        let free = (0..usize::from(u16::MAX)).map(|n| aside.join(format!("{name}.{n}"))).find(|path| !path.exists());
        if create_folder(&aside).is_ok() && free.is_some_and(|free| disk::rename(folder, &free).is_ok()) {
            return true;
        }
        // Another process may have set it aside, and a sound one may be in its place by now.
        !folder.exists() || (checksums::verify(folder).is_err() && remove_folder(folder).is_ok())
    }

    /// Writes an entry and its checksums to a temporary folder and moves it into place, unless another process has stored
    /// it meanwhile. Does nothing without a store.
    fn keep(&self, key: &EntryKey, write: impl Fn(&Path) -> Result<()>) -> Result<()> {
        let (Some(root), Some(place)) = (self.root(), self.entry_folder(key)) else { return Ok(()) };
        let _saving = Saving::begin();
        let entries = root.join("entries");
        create_folder(&entries)?;
        let aside = temporary_folder(&entries, &format!("{NEW}{key}-"))?;
        let is_there = || place.is_dir() && checksums::verify(&place).is_ok();
        let put = || if is_there() { remove_folder(&aside) } else { replace_folder(&aside, &place) };
        let kept = write(&aside).and_then(|()| checksums::write(&aside)).and_then(|()| put());
        if kept.is_err() {
            let _ = remove_folder(&aside);
            if is_there() {
                return Ok(());
            }
        }
        kept
    }
}

fn entry(key: EntryKey, folder: PathBuf, content: impl Fn(&Path) -> Content) -> Entry {
    let used = checksums::last_used(&folder).or_else(|| fs::metadata(&folder).and_then(|data| data.modified()).ok());
    Entry { key, content: content(&folder), bytes: size(&folder), used, folder }
}

fn content(folder: &Path) -> Content {
    if folder.join(LOGITS).is_file() {
        return Content::Logits;
    }
    let path = folder.join("run.json");
    let meta = disk::read(&path).map_err(|error| error.to_string());
    match meta.and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string())) {
        Ok(meta) => Content::Run(Box::new(meta)),
        Err(problem) => Content::Damaged(problem),
    }
}

/// Returns the total size of a folder's files in bytes.
pub(super) fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let sizes = entries.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file).map(|data| data.len());
    sizes.sum()
}
