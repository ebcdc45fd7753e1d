//! Writes whole files.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    fault::{Operation, step},
    folder::{OWN, remove_file, remove_leftovers, rename, sync_folder},
    lock::lock_new,
    saving::Saving,
};
use crate::error::{Error, Result};

/// Digits of the hash of a file's name in the name of its temporary.
const HASH_DIGITS: usize = 16;

/// Writes `bytes` to the file at `path` as a whole: into a temporary file beside it, which then takes its name. A
/// symbolic link is followed; a device or pipe is written to directly. Temporaries that a killed process left for this
/// file are removed.
///
/// # Errors
/// If the disk is full or the folder cannot be written; the file at `path` then stays as it was.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| pointed_at(path));
    let failed = |source| Error::Write { path: path.to_owned(), source };
    if fs::metadata(&target).is_ok_and(|data| !data.is_file() && !data.is_dir()) {
        return OpenOptions::new().write(true).open(&target).and_then(|mut file| file.write_all(bytes)).map_err(failed);
    }
    let _saving = Saving::begin();
    let mut file = Temporary::beside(&target)?;
    file.file.write_all(bytes).map_err(failed)?;
    file.replace(&target, path)
}

/// Returns where a symbolic link to a file that does not exist yet points; other paths as they are.
fn pointed_at(path: &Path) -> PathBuf {
    fs::read_link(path).map_or_else(|_| path.to_owned(), |link| folder_of(path).join(link))
}

/// Checks that files can be created in `folder`.
///
/// # Errors
/// If they cannot.
pub(crate) fn check_writable(folder: &Path) -> Result<()> {
    let _saving = Saving::begin();
    Temporary::beside(&folder.join("probe")).map(drop)
}

/// A new file that is being written.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: File,
    path: PathBuf,
}

impl NewFile {
    /// Creates the file at `path`; an existing one is emptied.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = step(Operation::Create).and_then(|()| File::create(path));
        let file = file.map_err(|source| Error::Write { path: path.to_owned(), source })?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Flushes the file to the disk.
    pub(crate) fn sync(&self) -> Result<()> {
        let synced = step(Operation::Sync).and_then(|()| self.file.sync_all());
        synced.map_err(|source| Error::Write { path: self.path.clone(), source })
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = step(Operation::Write) {
            // A real write may fail in the middle, too.
            let _ = self.file.write(&bytes[..bytes.len() / 2]);
            return Err(error);
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file to which records are appended.
#[derive(Debug)]
pub(crate) struct AppendFile(NewFile);

impl AppendFile {
    /// Opens the regular file at `path`, and creates it if there is none.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if path.exists() {
            super::read::open(path)?;
        }
        let file = step(Operation::Create).and_then(|()| OpenOptions::new().create(true).append(true).open(path));
        let file = file.map_err(|source| Error::Write { path: path.to_owned(), source })?;
        Ok(Self(NewFile { file, path: path.to_owned() }))
    }

    /// Appends `bytes`.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let _saving = Saving::begin();
        self.0.write_all(bytes).map_err(|source| Error::Write { path: self.0.path.clone(), source })
    }
}

/// A file that takes the place of another once it is complete. It is locked until then, which tells it from one that a
/// killed process left, and removed on drop.
struct Temporary {
    file: NewFile,
    complete: bool,
}

impl Temporary {
    /// Creates a temporary for the file `target`, with the permissions of the user's umask.
    fn beside(target: &Path) -> Result<Self> {
        let folder = folder_of(target);
        let failed = |source| Error::Write { path: target.to_owned(), source };
        let prefix = prefix(target);
        // A folder that cannot be listed, or a leftover that cannot be removed, does not prevent the write.
        let _ = remove_leftovers(folder, &prefix);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        loop {
            let made = step(Operation::Create).and_then(|()| builder.tempfile_in(folder)).map_err(failed)?;
            let (file, path) = made.keep().map_err(|error| failed(error.error))?;
            if lock_new(&file, &path) {
                return Ok(Self { file: NewFile { file, path }, complete: false });
            }
        }
    }

    /// Gives the file the name `target`; errors name `shown`.
    fn replace(mut self, target: &Path, shown: &Path) -> Result<()> {
        let named = |error| match error {
            Error::Write { source, .. } => Error::Write { path: shown.to_owned(), source },
            other => other,
        };
        self.file.sync().map_err(named)?;
        if let Ok(old) = fs::metadata(target) {
            // A file that others may not read stays so; where permissions cannot be set, the new ones are the user's.
            let _ = self.file.file.set_permissions(old.permissions());
        }
        rename(&self.file.path, target).map_err(named)?;
        self.complete = true;
        sync_folder(folder_of(target))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.complete {
            let _ = remove_file(&self.file.path);
        }
    }
}

/// Returns how the names of temporaries for `target` start. A hash stands for its name, which may be as long as the
/// file system allows.
fn prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default();
    let hash = blake3::hash(name.as_encoded_bytes()).to_hex();
    format!("{OWN}{}-", &hash[..HASH_DIGITS])
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
