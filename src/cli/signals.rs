//! Lets a save finish before a signal ends the program.

use crate::disk::{after_saves, release_leases};

/// Makes SIGINT, SIGTERM and SIGHUP wait for saves in progress, and then end the program as they do by default. A second
/// signal ends it at once. Signals that the program was started to ignore (`nohup`) stay ignored.
#[cfg(unix)]
pub(super) fn finish_saves_first() {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
        low_level::emulate_default_handler,
    };
    let ignored = ignored();
    let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0);
    // Without handlers the signals end the program at once, and the next one that writes there tidies up.
    let Ok(mut signals) = Signals::new(wanted) else { return };
    let wait = move || {
        let mut pending = signals.forever();
        let Some(first) = pending.next() else { return };
        std::thread::spawn(move || {
            after_saves(|| {
                release_leases();
                emulate_default_handler(first)
            })
        });
        if let Some(second) = pending.next() {
            let _ = emulate_default_handler(second);
        }
    };
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
}

/// Returns the signals that the program was started to ignore, one bit each, where the system tells.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Does nothing: other platforms end the program at once, and the next one that writes there tidies up.
#[cfg(not(unix))]
pub(super) fn finish_saves_first() {}

/// Waits for the saves of other threads at the end of the program.
pub(super) fn finish_saves() {
    after_saves(|| ());
}
