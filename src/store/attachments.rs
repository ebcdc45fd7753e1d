//! Results of experiments on a run, stored as files beside it.

use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    files::{RUN, is_attachment},
    swap,
};
use crate::{
    disk::{FolderLock, check_writable, read_if_exists, write_whole},
    error::{Error, InputError, Result},
};

/// Writes attachments to the folder of a run.
#[derive(Debug)]
pub struct Attachments {
    folder: PathBuf,
}

impl Attachments {
    /// Checks that `folder` is a run and can be written.
    ///
    /// # Errors
    /// If it is not a run or cannot be written.
    pub fn new(folder: &Path) -> Result<Self> {
        if !swap::current(folder, RUN).is_file() {
            return Err(InputError::new("not a run").path(folder).into());
        }
        let _lock = FolderLock::exclusive(folder)?;
        swap::recover(folder)?;
        check_writable(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Writes `value` to the file `name` atomically and returns its path.
    ///
    /// # Errors
    /// If the disk is full or the folder was removed.
    pub fn write(&self, name: &str, value: &impl Serialize) -> Result<PathBuf> {
        debug_assert!(is_attachment(name), "{name}");
        let path = self.folder.join(name);
        let failed = |error: serde_json::Error| Error::Write { path: path.clone(), source: error.into() };
        let text = serde_json::to_string_pretty(value).map_err(failed)? + "\n";
        write_whole(&path, text.as_bytes())?;
        Ok(path)
    }
}

/// Reads the attachment `name` of the run in `folder`; `None` if there is none.
///
/// # Errors
/// If it cannot be read or has another form.
pub fn read_attachment<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>> {
    debug_assert!(is_attachment(name), "{name}");
    let path = folder.join(name);
    let Some(bytes) = read_if_exists(&path)? else { return Ok(None) };
    let wrong = |error: serde_json::Error| {
        let error = InputError::new(error.to_string()).path(&path).line(error.line().max(1));
        error.help("delete the file; the command that wrote it makes it again")
    };
    Ok(Some(serde_json::from_slice(&bytes).map_err(wrong)?))
}
