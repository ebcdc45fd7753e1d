//! Checksums of an entry's files; detects corrupted entries before use.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::files::is_attachment;
use crate::{
    disk::{self, write_whole},
    error::{Error, InputError, Result},
    text::list,
};

/// The file with the checksums.
const FILE: &str = "seal.json";

/// Checksums of the files of an entry.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checksums {
    /// BLAKE3 by file name.
    files: BTreeMap<String, String>,
}

/// Writes the checksums of the files in `folder`.
pub(super) fn write(folder: &Path) -> Result<()> {
    let path = folder.join(FILE);
    let mut files = BTreeMap::new();
    for name in disk::names(folder)? {
        files.insert(name.clone(), hash(&folder.join(&name))?);
    }
    let text = serde_json::to_vec(&Checksums { files });
    write_whole(&path, &text.map_err(|error| Error::Write { path: path.clone(), source: error.into() })?)
}

/// Checks that the checksums are those of exactly the files in `folder`.
///
/// # Errors
/// If a file is missing, is not listed, or has changed; names the first one.
pub(super) fn verify(folder: &Path) -> Result<()> {
    let path = folder.join(FILE);
    let wrong = |path: &Path, problem: String| Err(InputError::new(problem).path(path).into());
    let checksums: Checksums = match serde_json::from_slice(&disk::read(&path)?) {
        Ok(checksums) => checksums,
        Err(error) => return wrong(&path, format!("this is not a list of checksums: {error}")),
    };
    let mut found = disk::names(folder)?;
    // Experiments on an entry may have added their results.
    found.retain(|name| name != FILE && !is_attachment(name));
    if found.is_empty() || !found.iter().eq(checksums.files.keys()) {
        let listed = list(checksums.files.keys());
        return wrong(&path, format!("it lists {listed}, but the entry has the files {}", list(&found)));
    }
    for (name, expected) in &checksums.files {
        let path = folder.join(name);
        if hash(&path)? != *expected {
            return wrong(&path, "the file has changed (its checksum differs)".to_owned());
        }
    }
    Ok(())
}

/// Marks the entry as used now; the least recently used entries are pruned first.
pub(super) fn mark_used(folder: &Path) {
    if let Ok(file) = fs::OpenOptions::new().append(true).open(folder.join(FILE)) {
        let _ = file.set_modified(std::time::SystemTime::now());
    }
}

/// Returns when the entry was last used.
pub(super) fn last_used(folder: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(folder.join(FILE)).and_then(|data| data.modified()).ok()
}

fn hash(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let read = hasher.update_reader(disk::open(path)?);
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(hasher.finalize().to_hex().to_string())
}
