//! Failures of file operations, for tests.
//!
//! Every operation of `disk` calls [`step`] first. In a build for tests, [`with_fault`] makes one of them fail, or lets
//! the process "die" there: from then on every operation fails, cleaning up included, as after SIGKILL. In any other
//! build `step` is empty, and the counters do not exist.

use std::io;

/// Kind of a file operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Creating a file or folder.
    Create,
    /// Writing some bytes.
    Write,
    /// Flushing a file or folder to the disk.
    Sync,
    /// Renaming a file or folder.
    Rename,
    /// Removing a file or folder.
    Remove,
    /// Opening a file to read it, or listing a folder.
    Read,
}

/// Announces an operation; an error if a test lets it fail.
#[cfg(not(test))]
#[allow(clippy::unnecessary_wraps)]
pub(super) const fn step(_: Operation) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) use testing::step;
#[cfg(test)]
pub(crate) use testing::{Fault, with_fault};

#[cfg(test)]
mod testing {
    use std::cell::RefCell;

    use super::{Operation, io};

    /// What fails.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Fault {
        /// The operation of this kind with this number, counted from 0, fails; later ones work.
        Once(Operation, usize),
        /// The operation with this number, of any kind, and all later ones fail, as if the process had been killed.
        Death(usize),
    }

    struct Plan {
        fault: Fault,
        seen: usize,
        reached: bool,
    }

    thread_local! {
        static PLAN: RefCell<Option<Plan>> = const { RefCell::new(None) };
    }

    /// Calls `work` with a fault on this thread; returns its result and whether the fault was reached.
    pub(crate) fn with_fault<T>(fault: Fault, work: impl FnOnce() -> T) -> (T, bool) {
        PLAN.set(Some(Plan { fault, seen: 0, reached: false }));
        let result = work();
        let reached = PLAN.take().is_some_and(|plan| plan.reached);
        (result, reached)
    }

    pub(in super::super) fn step(operation: Operation) -> io::Result<()> {
        PLAN.with_borrow_mut(|plan| {
            let Some(plan) = plan else { return Ok(()) };
            let fails = match plan.fault {
                Fault::Once(kind, _) if kind != operation => return Ok(()),
                Fault::Once(_, nth) => plan.seen == nth,
                Fault::Death(nth) => plan.seen >= nth,
            };
            plan.seen += 1;
            plan.reached |= fails;
            if fails { Err(io::Error::other("a fault of the test")) } else { Ok(()) }
        })
    }
}
