//! Checksums beside the files of an entry: what is damaged is found out before it is believed.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::directories::names;
use crate::error::{Error, InputError, Result};

/// The file with the checksums.
const SEAL: &str = "seal.json";

/// What an entry should hold.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    /// BLAKE3 by file name.
    files: BTreeMap<String, String>,
}

/// Seals the folder as it is.
pub(super) fn close(folder: &Path) -> Result<()> {
    let path = folder.join(SEAL);
    let mut files = BTreeMap::new();
    for name in names(folder) {
        files.insert(name.clone(), hash(&folder.join(&name))?);
    }
    let failed = |source| Error::Write { path: path.clone(), source };
    let text = serde_json::to_vec(&Seal { files }).map_err(|error| failed(error.into()))?;
    fs::write(&path, text).map_err(failed)
}

/// Checks every file against the seal.
///
/// # Errors
/// Names the first file that is missing or not what it was.
pub(super) fn check(folder: &Path) -> Result<(), InputError> {
    let path = folder.join(SEAL);
    let wrong = |path: &Path, problem: &str| InputError::new(problem).path(path);
    let text = fs::read(&path).map_err(|error| wrong(&path, &error.to_string()))?;
    let seal: Seal = serde_json::from_slice(&text).map_err(|error| wrong(&path, &error.to_string()))?;
    for (name, expected) in &seal.files {
        let path = folder.join(name);
        match hash(&path) {
            Ok(found) if found == *expected => {}
            Ok(_) => return Err(wrong(&path, "the file is not what was written (its checksum differs)")),
            Err(error) => return Err(wrong(&path, &error.to_string())),
        }
    }
    Ok(())
}

/// Marks the entry as used now: what was not used for long is pruned first.
pub(super) fn touch(folder: &Path) {
    if let Ok(file) = fs::OpenOptions::new().append(true).open(folder.join(SEAL)) {
        let _ = file.set_modified(std::time::SystemTime::now());
    }
}

/// When the entry was last used.
pub(super) fn used(folder: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(folder.join(SEAL)).and_then(|data| data.modified()).ok()
}

fn hash(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let read = fs::File::open(path).and_then(|file| hasher.update_reader(file).map(drop));
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(hasher.finalize().to_hex().to_string())
}
