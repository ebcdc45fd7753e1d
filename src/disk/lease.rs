//! Leases: files that say that a process is computing something, so that others wait or do something else.
//!
//! Locks of the operating system (`flock`) are refused or do nothing on many file systems that machines share. A lease
//! is a file that only one process can create (`O_EXCL`), whose time of modification its owner renews every few seconds.
//! A lease ends when it is released, when its process is known to have ended, or when a process that waits for it has
//! not seen it change for [`EXPIRY`] by its own steady clock: clocks of different machines are never compared. A lease
//! only saves work. Whoever computes without one, or after losing it, writes the same bytes beside the others and
//! renames them into place.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::{
    fault::{Operation, step},
    process::{self, Process},
};
use crate::{
    cancel::Cancel,
    error::{Error, Result},
};

/// Time between two renewals of a lease.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How long a process that waits must see no renewal before it takes the lease.
const EXPIRY: Duration = Duration::from_secs(60);
/// Age by the clock at which a lease is taken without waiting. If a clock jumps, something may be computed twice.
const ABANDONED: Duration = Duration::from_secs(600);
/// First and longest time between two looks at a lease that another process holds.
const RETRY_INTERVALS: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(500)];

/// Leases that this process holds, for [`release_leases`].
static HELD: Mutex<BTreeMap<u64, (PathBuf, Vec<u8>)>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A lease that this process holds; released on drop.
#[derive(Debug)]
pub(crate) struct Lease {
    number: u64,
    took_over: bool,
    /// Dropped to end the renewals.
    renewals: Option<(Sender<()>, JoinHandle<()>)>,
}

/// A lease on disk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FoundLease {
    text: Vec<u8>,
    renewed: Option<SystemTime>,
    owner: Option<Owner>,
}

/// Content of a lease.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Owner {
    /// Name of the machine.
    host: String,
    process: Process,
    /// Distinguishes the leases of a process.
    number: u64,
}

impl Lease {
    /// Waits until no other process holds the lease at `path`, and takes it; calls `waiting` once if it has to wait.
    ///
    /// # Errors
    /// [`Error::Cancelled`], or if the file cannot be written.
    pub(crate) fn acquire(path: &Path, cancel: &Cancel, waiting: &mut dyn FnMut()) -> Result<Self> {
        let mut seen: Option<(FoundLease, Instant)> = None;
        let [mut pause, longest] = RETRY_INTERVALS;
        loop {
            if let Some(lease) = Self::try_acquire(path)? {
                return Ok(lease);
            }
            if let Some(found) = FoundLease::read(path) {
                match &seen {
                    Some((before, since)) if *before == found => {
                        if since.elapsed() > EXPIRY {
                            found.take_away(path);
                            if let Some(lease) = Self::create(path, true)? {
                                return Ok(lease);
                            }
                            continue;
                        }
                    }
                    before => {
                        if before.is_none() {
                            waiting();
                        }
                        seen = Some((found, Instant::now()));
                    }
                }
            }
            cancel.check()?;
            thread::sleep(pause);
            pause = (2 * pause).min(longest);
        }
    }

    /// Takes the lease at `path`; `None` if another process holds it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn try_acquire(path: &Path) -> Result<Option<Self>> {
        if let Some(lease) = Self::create(path, false)? {
            return Ok(Some(lease));
        }
        let found = FoundLease::read(path);
        match &found {
            Some(found) if !found.is_abandoned() => return Ok(None),
            Some(found) => found.take_away(path),
            None => {}
        }
        Self::create(path, found.is_some())
    }

    /// Returns whether its former owner ended, or stopped, without releasing it.
    pub(crate) const fn took_over(&self) -> bool {
        self.took_over
    }

    fn create(path: &Path, took_over: bool) -> Result<Option<Self>> {
        let failed = |source| Error::Write { path: path.to_owned(), source };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let owner = Owner { host: process::host(), process: Process::own(), number };
        let text = serde_json::to_vec(&owner).map_err(|error| failed(error.into()))?;
        let opened = step(Operation::Create).and_then(|()| OpenOptions::new().write(true).create_new(true).open(path));
        let mut file = match opened {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            other => other.map_err(failed)?,
        };
        held().insert(number, (path.to_owned(), text.clone()));
        if let Err(source) = file.write_all(&text) {
            held().remove(&number);
            let _ = fs::remove_file(path);
            return Err(failed(source));
        }
        Ok(Some(Self { number, took_over, renewals: renew(file) }))
    }
}

fn held() -> MutexGuard<'static, BTreeMap<u64, (PathBuf, Vec<u8>)>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Renews the lease in `file` on a thread until the sender is dropped. Without a thread it is not renewed, and may be
/// taken by another process.
fn renew(file: File) -> Option<(Sender<()>, JoinHandle<()>)> {
    let (end, ended) = channel();
    let renewals = move || {
        while ended.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
            let _ = file.set_modified(SystemTime::now());
        }
    };
    let thread = thread::Builder::new().name("lease".to_owned()).spawn(renewals).ok()?;
    Some((end, thread))
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.renewals.take() {
            drop(end);
            let _ = thread.join();
        }
        let last = held().remove(&self.number);
        if let Some((path, text)) = last {
            release(&path, &text);
        }
    }
}

/// Releases all leases of this process, which is about to end. None can be taken afterwards.
pub(crate) fn release_leases() {
    let held = held();
    for (path, text) in held.values() {
        release(path, text);
    }
    std::mem::forget(held);
}

/// Removes the lease with the content `text` at `path`, unless another process has taken it meanwhile.
fn release(path: &Path, text: &[u8]) {
    if fs::read(path).is_ok_and(|found| found == text) {
        let _ = step(Operation::Remove).and_then(|()| fs::remove_file(path));
    }
}

impl FoundLease {
    /// Reads the lease at `path`; `None` if there is none.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let text = fs::read(path).ok()?;
        let renewed = fs::metadata(path).and_then(|data| data.modified()).ok();
        // A lease whose process was killed before it wrote the content has no owner.
        let owner = serde_json::from_slice(&text).ok();
        Some(Self { text, renewed, owner })
    }

    /// Returns the machine and process that hold it, for people.
    pub(crate) fn owner(&self) -> String {
        self.owner.as_ref().map_or("unknown".to_owned(), |owner| format!("{}/{}", owner.host, owner.process.id))
    }

    /// Returns the time since it was last renewed by this machine's clock; zero if that lies in the future.
    fn age(&self) -> Duration {
        self.renewed.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default()
    }

    /// Returns the seconds since it was last renewed by this machine's clock, below zero if that lies in the future.
    pub(crate) fn age_in_seconds(&self) -> f64 {
        let age = |at: SystemTime| match SystemTime::now().duration_since(at) {
            Ok(age) => age.as_secs_f64(),
            Err(ahead) => -ahead.duration().as_secs_f64(),
        };
        self.renewed.map_or(0.0, age)
    }

    /// Returns whether its process has ended, or has not renewed it for very long.
    pub(crate) fn is_abandoned(&self) -> bool {
        // One of this process that is not held could not be removed when it was released.
        let lost = |owner: &Owner| owner.process.is_own() && !held().contains_key(&owner.number);
        let ended = |owner: &Owner| owner.process.has_ended() || lost(owner);
        self.owner.as_ref().is_some_and(ended) || self.age() > ABANDONED
    }

    /// Removes the lease at `path` if it is abandoned.
    pub(crate) fn remove_if_abandoned(path: &Path) {
        if let Some(found) = Self::read(path).filter(Self::is_abandoned) {
            found.take_away(path);
        }
    }

    /// Removes this lease from `path`. Another one that is there by now stays: it is moved aside to be compared, since
    /// a file cannot be removed on the condition that it is unchanged, and moved back.
    fn take_away(&self, path: &Path) {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".{}", process::unique_name()));
        let aside = PathBuf::from(aside);
        if step(Operation::Rename).and_then(|()| fs::rename(path, &aside)).is_err() {
            return;
        }
        if fs::read(&aside).is_ok_and(|moved| moved != self.text) {
            let _ = fs::hard_link(&aside, path);
        }
        let _ = step(Operation::Remove).and_then(|()| fs::remove_file(&aside));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lease");
        (folder, path)
    }

    /// A lease of a process of another machine, or of this one that has ended, renewed at `renewed`.
    fn foreign(path: &Path, process: Process, renewed: SystemTime) {
        let owner = Owner { host: "elsewhere".to_owned(), process, number: 0 };
        let mut file = File::create(path).unwrap();
        file.write_all(&serde_json::to_vec(&owner).unwrap()).unwrap();
        file.set_modified(renewed).unwrap();
    }

    fn other_machine() -> Process {
        Process { machine: "another".to_owned(), ..Process::own() }
    }

    #[test]
    fn one_process_holds_a_lease_until_it_is_dropped() {
        let (_folder, path) = path();
        let first = Lease::try_acquire(&path).unwrap().unwrap();
        assert!(Lease::try_acquire(&path).unwrap().is_none());
        drop(first);
        assert!(!path.exists());
        assert!(Lease::try_acquire(&path).unwrap().is_some());
    }

    #[test]
    fn of_many_that_wait_one_at_a_time_holds_it() {
        let (_folder, path) = path();
        let inside = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _lease = Lease::acquire(&path, &Cancel::default(), &mut || ()).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    thread::sleep(Duration::from_millis(3));
                    inside.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert!(!path.exists());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_lease_of_a_process_that_has_ended_is_taken_at_once() {
        let (_folder, path) = path();
        let ended = Process { started: "0".to_owned(), ..Process::own() };
        foreign(&path, ended, SystemTime::now());
        assert!(Lease::try_acquire(&path).unwrap().unwrap().took_over());
        assert!(!Lease::try_acquire(&path).unwrap().unwrap().took_over());
    }

    #[test]
    fn a_lease_of_another_machine_is_respected_for_any_time_on_its_clock() {
        let (_folder, path) = path();
        for renewed in [SystemTime::now(), SystemTime::now() + Duration::from_secs(86_400)] {
            foreign(&path, other_machine(), renewed);
            assert!(Lease::try_acquire(&path).unwrap().is_none());
            assert!(FoundLease::read(&path).unwrap().age() < ABANDONED);
        }
        foreign(&path, other_machine(), SystemTime::now() - 2 * ABANDONED);
        assert!(Lease::try_acquire(&path).unwrap().is_some());
    }

    #[test]
    fn a_lease_that_another_process_took_meanwhile_is_neither_removed_nor_released() {
        let (_folder, path) = path();
        let own = Lease::try_acquire(&path).unwrap().unwrap();
        let stale = FoundLease::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        foreign(&path, other_machine(), SystemTime::now());
        let other = fs::read(&path).unwrap();
        stale.take_away(&path);
        assert_eq!(fs::read(&path).unwrap(), other);
        drop(own);
        assert_eq!(fs::read(&path).unwrap(), other);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_lease_without_content_is_a_lease() {
        let (_folder, path) = path();
        fs::write(&path, "").unwrap();
        assert!(Lease::try_acquire(&path).unwrap().is_none());
        assert_eq!(FoundLease::read(&path).unwrap().owner(), "unknown");
    }

    #[test]
    fn waiting_is_reported_once_and_can_be_cancelled() {
        let (_folder, path) = path();
        foreign(&path, other_machine(), SystemTime::now());
        let (cancel, mut reports) = (Cancel::default(), 0);
        let outcome = Lease::acquire(&path, &cancel, &mut || {
            reports += 1;
            cancel.cancel();
        });
        assert!(matches!(outcome, Err(Error::Cancelled)) && reports == 1);
    }
}
