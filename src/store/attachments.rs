//! Files beside a run: what was found out about it later.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    disk::temporary,
    error::{Error, InputError, Result},
};

/// The file that makes a folder a run.
pub(super) const RUN: &str = "run.json";

/// Beginnings of the names of such files; they end in `.json`.
const NAMES: [&str; 2] = ["ablation-", "attention-"];

/// Whether a file of this name is one.
pub(super) fn is_attachment(name: &str) -> bool {
    NAMES.iter().any(|beginning| name.starts_with(beginning)) && Path::new(name).extension() == Some("json".as_ref())
}

/// Removes what was found out about the run that `folder` held before.
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

/// The folder of a run, to write such files to.
#[derive(Debug)]
pub struct Attachments {
    folder: PathBuf,
}

impl Attachments {
    /// The folder of a run.
    ///
    /// # Errors
    /// If there is no run, or the folder cannot be written.
    pub fn of(folder: &Path) -> Result<Self> {
        if !folder.join(RUN).is_file() {
            return Err(InputError::new("not a run").path(folder).into());
        }
        tempfile::NamedTempFile::new_in(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Writes `value` as the file `name`, which appears whole or not at all, and returns its path.
    ///
    /// # Errors
    /// If the disk is full or the folder went away.
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
