//! Locks: one process computes an entry while the others wait for it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    time::Duration,
};

use super::{key::EntryKey, root::Store};
use crate::{
    cancel::Cancel,
    disk::create_folder,
    error::{Error, Result},
};

/// Time between two attempts to take a lock that another process holds.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Exclusive right to compute and write an entry; released on drop or when the process ends.
#[derive(Debug)]
pub struct Claim {
    _file: Option<File>,
}

impl Store {
    /// Waits until no other process computes `key`; calls `waiting` once if it has to wait.
    ///
    /// Keys share a few lock files, which are never deleted: if one were deleted while a process waits for it, two
    /// processes could hold the claim. A process must hold one claim at a time.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or if the folder cannot be written.
    pub fn claim(&self, key: &EntryKey, cancel: &Cancel, waiting: &mut dyn FnMut()) -> Result<Claim> {
        let Some(root) = self.root() else { return Ok(Claim { _file: None }) };
        let folder = root.join("locks");
        create_folder(&folder)?;
        let path = folder.join(&key.as_str()[..2]);
        let failed = |source| Error::Write { path: path.clone(), source };
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let mut reported = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Claim { _file: Some(file) }),
                Err(TryLockError::WouldBlock) => {
                    if !reported {
                        waiting();
                        reported = true;
                    }
                    cancel.check()?;
                    std::thread::sleep(RETRY_INTERVAL);
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }

    /// Returns the claim on `key`; `None` if another process holds it.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(super) fn try_claim(&self, key: &EntryKey) -> Result<Option<Claim>> {
        let busy = Cancel::default();
        match self.claim(key, &busy, &mut || busy.cancel()) {
            Ok(claim) => Ok(Some(claim)),
            Err(Error::Cancelled) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
