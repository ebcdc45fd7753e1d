//! Saves in progress, which a signal or the end of the program waits for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Number of saves in progress, in all threads. One per process, as signals are.
static IN_PROGRESS: Mutex<usize> = Mutex::new(0);
static DONE: Condvar = Condvar::new();

/// A save in progress. While there is one, [`after_saves`] waits. Saves may contain saves.
#[derive(Debug)]
pub(crate) struct Saving(());

impl Saving {
    /// Begins a save; blocks if the program is ending.
    pub(crate) fn begin() -> Self {
        *count() += 1;
        Self(())
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        *count() -= 1;
        DONE.notify_all();
    }
}

/// Waits for the saves in progress, lets none begin after them, and calls `end`, which ends the program.
pub(crate) fn after_saves<T>(end: impl FnOnce() -> T) -> T {
    let guard = DONE.wait_while(count(), |saves| *saves > 0).unwrap_or_else(PoisonError::into_inner);
    std::mem::forget(guard);
    end()
}

fn count() -> MutexGuard<'static, usize> {
    IN_PROGRESS.lock().unwrap_or_else(PoisonError::into_inner)
}
