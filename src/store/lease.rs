//! Leases on entries: one process computes an entry while the others wait for it.

use std::path::PathBuf;

use super::{key::EntryKey, root::Store};
use crate::{
    cancel::Cancel,
    disk::{self, FoundLease, create_folder, names},
    error::Result,
};

/// Says to others that this process computes or removes an entry; released on drop. A store that keeps nothing has none.
#[derive(Debug)]
pub struct Lease(#[allow(dead_code)] Option<disk::Lease>);

impl Store {
    /// Waits until no other process computes `key`; calls `waiting` once if it has to wait.
    ///
    /// A lease saves work and protects nothing: two processes that compute the same entry write the same bytes, and the
    /// first one to finish has its entry stored.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled), or if the folder cannot be written.
    pub fn lease(&self, key: &EntryKey, cancel: &Cancel, waiting: &mut dyn FnMut()) -> Result<Lease> {
        let Some(path) = self.lease_path(key)? else { return Ok(Lease(None)) };
        Ok(Lease(Some(disk::Lease::acquire(&path, cancel, waiting)?)))
    }

    /// Returns the lease on `key`; `None` if another process holds it.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(super) fn try_lease(&self, key: &EntryKey) -> Result<Option<Lease>> {
        let Some(path) = self.lease_path(key)? else { return Ok(Some(Lease(None))) };
        Ok(disk::Lease::try_acquire(&path)?.map(|lease| Lease(Some(lease))))
    }

    fn lease_path(&self, key: &EntryKey) -> Result<Option<PathBuf>> {
        let Some(root) = self.root() else { return Ok(None) };
        let folder = root.join("leases");
        create_folder(&folder)?;
        Ok(Some(folder.join(key.as_str())))
    }

    /// Removes the leases of processes that have ended.
    pub(super) fn remove_abandoned_leases(&self) {
        let Some(folder) = self.root().map(|root| root.join("leases")) else { return };
        for path in names(&folder).unwrap_or_default().into_iter().map(|name| folder.join(name)) {
            FoundLease::remove_if_abandoned(&path);
        }
    }
}
