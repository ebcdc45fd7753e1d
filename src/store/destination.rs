//! A folder chosen by the user for a run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    consistency,
    files::{EXAMPLES, HIDDEN, RUN, TABLE, is_attachment},
    swap,
};
use crate::{
    disk::{FolderLock, OWN, Saving, check_writable, create_folder, names},
    error::{Error, InputError, Result},
    run::{Run, RunMeta},
};

/// A folder that can take a run.
///
/// Created before the work starts, so that a folder that cannot be written fails before, not after, an hour of work.
#[derive(Debug)]
pub struct Destination {
    folder: PathBuf,
}

impl Destination {
    /// Creates `folder` if needed, removes what a killed process left in it, and checks that it can be written.
    ///
    /// # Errors
    /// If it cannot be written, or contains files that do not belong to a run.
    pub fn prepare(folder: &Path) -> Result<Self> {
        let _saving = Saving::begin();
        create_folder(folder)?;
        let destination = Self { folder: folder.to_owned() };
        destination.check()?;
        let _lock = FolderLock::exclusive(folder)?;
        swap::recover(folder)?;
        check_writable(folder)?;
        Ok(destination)
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes `run` in place of the run in the folder, if there is one; returns its metadata as written, with
    /// checksums.
    ///
    /// # Errors
    /// If [`open`](super::open) would refuse the run, e.g. because it has values that are not finite, the disk is full, or
    /// the folder was removed or got other files; the old run then stays.
    pub fn write(&self, run: &Run) -> Result<RunMeta> {
        consistency::refuse(run)?;
        let _saving = Saving::begin();
        create_folder(&self.folder)?;
        let _lock = FolderLock::exclusive(&self.folder)?;
        self.check()?;
        swap::recover(&self.folder)?;
        swap::replace(&self.folder, run)
    }

    /// Checks that the folder contains nothing but a run and own temporaries.
    fn check(&self) -> Result<()> {
        let listed = names(&self.folder).map_err(|error| match error {
            Error::Read { path, source } => Error::Write { path, source },
            other => other,
        })?;
        let is_file = |name: &str| {
            let data = fs::symlink_metadata(self.folder.join(name));
            let known = [RUN, TABLE, EXAMPLES, HIDDEN].contains(&name) || is_attachment(name);
            known && data.is_ok_and(|data| !data.is_dir())
        };
        let foreign = listed.iter().find(|name| !is_file(name) && !name.starts_with(OWN));
        match foreign {
            None => Ok(()),
            Some(name) => Err(InputError::new(format!("the folder is neither empty nor a run: it contains `{name}`"))
                .path(&self.folder)
                .help("name a new folder")
                .into()),
        }
    }
}
