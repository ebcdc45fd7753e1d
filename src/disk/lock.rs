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
        Err(InputError::new(problem).path(folder).help("wait for it, or name another folder").into())
    }

    /// Waits until no other process writes `folder`, at most 20 s.
    pub(crate) fn shared(folder: &Path) -> Self {
        wait(folder, File::try_lock_shared).0
    }
}

/// Locks a file that this process has just created at `path`. Returns whether it is still there: another process may have
/// taken it for a leftover, before it was locked.
pub(crate) fn lock_new(file: &File, path: &Path) -> bool {
    file.lock().is_err() || path.exists()
}

/// Calls `remove` for the file at `path` unless another process has locked it. This process has the lock until then, so
/// that [`lock_new`] sees whether the file is gone.
pub(crate) fn remove_unlocked<E>(path: &Path, remove: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    match File::open(path) {
        Ok(file) if file.try_lock().is_ok() => remove(path),
        _ => Ok(()),
    }
}

/// Returns the lock, and whether no other process has it.
fn wait(folder: &Path, lock: impl Fn(&File) -> Result<(), TryLockError>) -> (FolderLock, bool) {
    // Opening a named pipe would wait for a writer. What is no folder is refused by whoever reads it.
    let Some(file) = folder.is_dir().then(|| File::open(folder).ok()).flatten() else {
        return (FolderLock { _folder: None }, true);
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_that_another_process_takes_for_a_leftover_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let file = File::create(&path).unwrap();
        let other = path.clone();
        let mut locks = None;
        remove_unlocked(&path, |path| {
            locks = Some(thread::spawn(move || lock_new(&file, &other)));
            std::fs::remove_file(path)
        })
        .unwrap();
        assert!(!locks.unwrap().join().unwrap());
        let file = File::create(&path).unwrap();
        assert!(lock_new(&file, &path));
        remove_unlocked(&path, |_| -> Result<()> { panic!("it is locked") }).unwrap();
        drop(file);
        remove_unlocked(&path, |path| std::fs::remove_file(path)).unwrap();
        assert!(!path.exists());
    }
}
