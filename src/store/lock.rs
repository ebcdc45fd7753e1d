//! One process at a time computes an entry; the others wait and then find it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    time::Duration,
};

use super::{directories::made, key::EntryKey, root::Store};
use crate::{
    cancel::Cancel,
    error::{Error, Result},
};

/// Time between two looks at a lock that another process holds.
const PATIENCE: Duration = Duration::from_millis(50);

/// The right to compute and write an entry. It ends with the value, or with the process.
#[derive(Debug)]
pub struct Claim {
    _file: Option<File>,
}

impl Store {
    /// Waits until no other process computes `key`; calls `waiting` once if it has to.
    ///
    /// Lock files are few, shared by keys, and never deleted: deleting one while another process waits for it would let
    /// two in. A process must hold one claim at a time.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or a folder that cannot be written.
    pub fn claim(&self, key: &EntryKey, cancel: &Cancel, waiting: &mut dyn FnMut()) -> Result<Claim> {
        let Some(root) = self.root() else { return Ok(Claim { _file: None }) };
        let folder = root.join("locks");
        made(&folder)?;
        let path = folder.join(&key.as_str()[..2]);
        let failed = |source| Error::Write { path: path.clone(), source };
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Claim { _file: Some(file) }),
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        waiting();
                        told = true;
                    }
                    cancel.check()?;
                    std::thread::sleep(PATIENCE);
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }

    /// The claim on `key` if no other process has it now.
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
