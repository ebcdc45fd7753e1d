//! Results of experiments on a run, stored as files beside it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    disk::temporary,
    error::{Error, InputError, Result},
};

/// The file that marks a folder as a run.
pub(super) const RUN: &str = "run.json";

/// Name prefixes of these files; their extension is `.json`.
const PREFIXES: [&str; 2] = ["ablation-", "attention-"];

/// Returns whether a file of this name is an attachment.
pub(super) fn is_attachment(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && Path::new(name).extension() == Some("json".as_ref())
}

/// Removes the attachments of an earlier run from `folder`.
pub(super) fn remove_attachments(folder: &Path) -> Result<()> {
    let failed = |source| Error::Write { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if is_attachment(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

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
        if !folder.join(RUN).is_file() {
            return Err(InputError::new("not a run").path(folder).into());
        }
        tempfile::NamedTempFile::new_in(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Writes `value` to the file `name` atomically and returns its path.
    ///
    /// # Errors
    /// If the disk is full or the folder was removed.
    pub fn write(&self, name: &str, value: &impl Serialize) -> Result<PathBuf> {
        debug_assert!(is_attachment(name), "{name}");
        let path = self.folder.join(name);
        let write = || -> io::Result<()> {
            let mut file = temporary(&self.folder)?;
            serde_json::to_writer_pretty(&mut file, value)?;
            io::Write::write_all(&mut file, b"\n")?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| Error::Write { path: path.clone(), source })?;
        Ok(path)
    }
}
