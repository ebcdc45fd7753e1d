//! Identity of a process, by which another one on the same machine can tell whether it has ended.

use std::{
    fs,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

/// A process on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// The machine since it was started, and the namespace in which ids of processes count; empty where unknown.
    pub(super) machine: String,
    /// Its id.
    pub(super) id: u32,
    /// When it was started, in ticks since the machine was; ids are reused. Empty where unknown.
    pub(super) started: String,
}

impl Process {
    /// Returns this process.
    pub(super) fn own() -> Self {
        static OWN: OnceLock<Process> = OnceLock::new();
        let describe = || {
            let id = std::process::id();
            Self { machine: machine().unwrap_or_default(), id, started: started(id).unwrap_or_default() }
        };
        OWN.get_or_init(describe).clone()
    }

    /// Returns whether it is this process.
    pub(super) fn is_own(&self) -> bool {
        *self == Self::own()
    }

    /// Returns whether it is known to have ended; always false for processes of other machines.
    pub(super) fn has_ended(&self) -> bool {
        let own = Self::own();
        let known = !self.machine.is_empty() && !own.started.is_empty() && self.machine == own.machine;
        known && started(self.id).is_none_or(|started| started != self.started)
    }
}

/// Returns a short name that no other call, process or machine gives.
pub(crate) fn unique_name() -> String {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let facts = (host(), Process::own(), CALLS.fetch_add(1, Ordering::Relaxed), since);
    blake3::hash(format!("{facts:?}").as_bytes()).to_hex()[..16].to_owned()
}

/// Returns the name of this machine.
pub(super) fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    name.map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}

fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {} {}", host(), boot.trim(), namespace.display()))
}

/// Returns when the process `id` was started; `None` if it has ended, also if its result has not been asked for yet (`Z`).
/// In `/proc/ID/stat` the third field is the state and the twenty-second the start; the second, the name, is in
/// parentheses and may contain spaces.
fn started(id: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let is_running = fields.next().is_some_and(|state| !["Z", "X"].contains(&state));
    if is_running { fields.nth(18).map(str::to_owned) } else { None }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_has_ended_or_not() {
        assert!(!Process::own().has_ended());
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process { id: child.id(), started: started(child.id()).unwrap(), ..Process::own() };
        assert!(!process.has_ended());
        child.kill().unwrap();
        while !process.has_ended() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(process.has_ended());
        assert!(!Process { machine: "another".to_owned(), ..process }.has_ended());
    }
}

#[cfg(test)]
mod names {
    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<String> = (0..1000).map(|_| super::unique_name()).collect();
        assert_eq!(names.len(), 1000);
    }
}
