//! Checksums of an entry's files; detects corrupted entries before use.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::directories::names;
use crate::error::{Error, InputError, Result};

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
    for name in names(folder) {
        files.insert(name.clone(), hash(&folder.join(&name))?);
    }
    let failed = |source| Error::Write { path: path.clone(), source };
    let text = serde_json::to_vec(&Checksums { files }).map_err(|error| failed(error.into()))?;
    fs::write(&path, text).map_err(failed)
}

/// Checks every file against its checksum.
///
/// # Errors
/// If a file is missing or has changed; names the first one.
pub(super) fn verify(folder: &Path) -> Result<(), InputError> {
    let path = folder.join(FILE);
    let wrong = |path: &Path, problem: &str| InputError::new(problem).path(path);
    let text = fs::read(&path).map_err(|error| wrong(&path, &error.to_string()))?;
    let checksums: Checksums = serde_json::from_slice(&text).map_err(|error| wrong(&path, &error.to_string()))?;
    for (name, expected) in &checksums.files {
        let path = folder.join(name);
        match hash(&path) {
            Ok(actual) if actual == *expected => {}
            Ok(_) => return Err(wrong(&path, "the file has changed (its checksum differs)")),
            Err(error) => return Err(wrong(&path, &error.to_string())),
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
    let read = fs::File::open(path).and_then(|file| hasher.update_reader(file).map(drop));
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(hasher.finalize().to_hex().to_string())
}
