//! Creates, lists, renames and removes files and folders.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{
    fault::{Operation, step},
    lock::remove_unlocked,
};
use crate::error::{Error, Result};

/// How the names of own temporary files and folders start. Nothing else that the program writes starts like this, so a
/// later process may remove what a killed one has left.
pub(crate) const OWN: &str = ".partscope-";

/// Creates `folder` and its parents if they do not exist.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    step(Operation::Create).and_then(|()| fs::create_dir_all(folder)).map_err(|source| failed(folder, source))
}

/// Creates a folder in `parent` whose name starts with `prefix`.
pub(crate) fn temporary_folder(parent: &Path, prefix: &str) -> Result<PathBuf> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let made = step(Operation::Create).and_then(|()| builder.tempdir_in(parent));
    Ok(made.map_err(|source| failed(parent, source))?.keep())
}

/// Returns the sorted names of the files and folders in `folder`, as far as they are text.
///
/// # Errors
/// If the folder cannot be listed.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>> {
    let listed = step(Operation::Read).and_then(|()| fs::read_dir(folder)).and_then(Iterator::collect);
    let entries: Vec<fs::DirEntry> = listed.map_err(|source| Error::Read { path: folder.to_owned(), source })?;
    let mut names: Vec<String> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// Renames a file or folder; a file at `to` is replaced.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    step(Operation::Rename).and_then(|()| fs::rename(from, to)).map_err(|source| failed(to, source))
}

/// Removes a file, if there is one.
pub(crate) fn remove_file(path: &Path) -> Result<()> {
    missing_is_fine(step(Operation::Remove).and_then(|()| fs::remove_file(path)), path)
}

/// Removes a folder with its files, if there is one.
pub(crate) fn remove_folder(folder: &Path) -> Result<()> {
    missing_is_fine(step(Operation::Remove).and_then(|()| fs::remove_dir_all(folder)), folder)
}

/// How the names of folders end that [`replace_folder`] moved aside.
const REPLACED: &str = "-old";

/// Returns whether `folder` was moved aside by [`replace_folder`].
pub(crate) fn is_replaced(folder: &Path) -> bool {
    folder.as_os_str().as_encoded_bytes().ends_with(REPLACED.as_bytes())
}

/// Moves the folder `new` to `place`. A folder at `place` is moved aside first, back if that fails, and then removed.
pub(crate) fn replace_folder(new: &Path, place: &Path) -> Result<()> {
    let mut aside = new.as_os_str().to_owned();
    aside.push(REPLACED);
    let aside = PathBuf::from(aside);
    let replaced = place.exists();
    if replaced {
        rename(place, &aside)?;
    }
    if let Err(error) = rename(new, place) {
        if replaced {
            rename(&aside, place)?;
        }
        return Err(error);
    }
    if replaced { remove_folder(&aside) } else { Ok(()) }
}

/// Flushes the names in `folder` to the disk, where the platform can.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    step(Operation::Sync).map_err(|source| failed(folder, source))?;
    if cfg!(unix) {
        // File systems without this operation refuse it, which changes nothing.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

/// Removes the temporary files and folders in `folder` whose names start with `prefix`, except files that another
/// process is still writing, which are locked.
///
/// # Errors
/// If the folder cannot be listed or one of them cannot be removed.
pub(crate) fn remove_leftovers(folder: &Path, prefix: &str) -> Result<()> {
    for name in names(folder)?.iter().filter(|name| name.starts_with(prefix)) {
        let path = folder.join(name);
        match fs::symlink_metadata(&path) {
            Ok(data) if data.is_dir() => remove_folder(&path)?,
            Ok(data) if data.is_file() => remove_unlocked(&path, remove_file)?,
            _ => {}
        }
    }
    Ok(())
}

fn missing_is_fine(outcome: io::Result<()>, path: &Path) -> Result<()> {
    match outcome {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(failed(path, source)),
        _ => Ok(()),
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Write { path: path.to_owned(), source }
}
