//! File operations: the one way to the disk for runs, the store, weights and reports.
//!
//! Three promises need one place. A file or folder is replaced as a whole, so that a full disk or a killed process
//! leaves the old state or the new one. Inputs are regular files: a named pipe or a device would block or never end.
//! And every operation can be made to fail in a test (`fault`), which is how the first promise is checked.

mod expand;
mod fault;
mod folder;
mod lease;
mod lfs;
mod lock;
mod process;
mod read;
mod saving;
mod write;

pub(crate) use expand::{expand, expand_with};
#[cfg(test)]
pub(crate) use fault::{Fault, Operation, with_fault};
pub(crate) use folder::{
    OWN, create_folder, is_replaced, names, remove_file, remove_folder, remove_leftovers, rename, replace_folder,
    sync_folder, temporary_folder,
};
pub(crate) use lease::{FoundLease, Lease, release_leases};
pub(crate) use lfs::{is_lfs_pointer, lfs_pointer};
pub(crate) use lock::{FolderLock, lock_new, remove_unlocked};
pub(crate) use process::unique_name;
#[cfg(feature = "tui")]
pub(crate) use read::read_settings_if_exists;
pub(crate) use read::{open, read, read_if_exists, read_settings};
pub(crate) use saving::{Saving, after_saves};
pub(crate) use write::{AppendFile, NewFile, check_writable, write_whole};
