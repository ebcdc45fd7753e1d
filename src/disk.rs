//! Atomic writes of files.

use std::{
    io::{self, Write},
    path::Path,
};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// Writes `bytes` to the file at `path` atomically.
///
/// # Errors
/// If the disk is full or the folder cannot be written; the previous file at `path` then stays unchanged.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = temporary(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Creates a temporary file in `folder`, to be renamed when complete, with the permissions of the user's umask.
///
/// # Errors
/// If the folder cannot be written.
pub(crate) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}
