//! Locks on folders: one process writes a folder while no other reads or writes it.

use std::{
    fs::{File, TryLockError},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::error::{InputError, Result};

const RETRY_INTERVAL: Duration = Duration::from_millis(10);
/// Longest wait for another process.
const PATIENCE: Duration = Duration::from_secs(20);

/// A lock on a folder, released on drop or when the process ends. It is a lock on the folder itself, so no file is left
/// behind. File systems and platforms without such locks give none, and the work goes on without.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _folder: Option<File>,
}

impl FolderLock {
    /// Waits until no other process reads or writes `folder`.
    ///
    /// # Errors
    /// If another process keeps it for 20 s.
    pub(crate) fn exclusive(folder: &Path) -> Result<Self> {
        let (lock, free) = wait(folder, File::try_lock);
        if free {
            return Ok(lock);
        }
        let problem = "another partscope process is using this folder";
        Err(InputError::new(problem).path(folder).help("wait for it, or name another folder with -o").into())
    }

    /// Waits until no other process writes `folder`, at most 20 s.
    pub(crate) fn shared(folder: &Path) -> Self {
        wait(folder, File::try_lock_shared).0
    }
}

/// Returns the lock, and whether no other process has it.
fn wait(folder: &Path, lock: impl Fn(&File) -> Result<(), TryLockError>) -> (FolderLock, bool) {
    let Ok(file) = File::open(folder) else { return (FolderLock { _folder: None }, true) };
    let start = Instant::now();
    loop {
        match lock(&file) {
            Ok(()) => return (FolderLock { _folder: Some(file) }, true),
            Err(TryLockError::Error(_)) => return (FolderLock { _folder: None }, true),
            Err(TryLockError::WouldBlock) if start.elapsed() > PATIENCE => {
                return (FolderLock { _folder: None }, false);
            }
            Err(TryLockError::WouldBlock) => thread::sleep(RETRY_INTERVAL),
        }
    }
}
