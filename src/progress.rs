//! How far a long task is, and how long it will take.

use std::time::{Duration, Instant};

/// A snapshot of a running task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Units of work done.
    pub done: usize,
    /// Units of work in all.
    pub total: usize,
    /// Units per second so far.
    pub rate: f64,
    /// Time left at that rate, once there is one.
    pub left: Option<Duration>,
}

/// Counts work and tells [`Progress`].
#[derive(Debug)]
pub struct Meter {
    started: Instant,
    before: usize,
    done: usize,
    total: usize,
}

impl Meter {
    /// Starts the clock on `total` units of work.
    pub fn start(total: usize) -> Self {
        Self::resume(total, 0)
    }

    /// Starts the clock where `before` of `total` units were done already: they count as done, not for the rate.
    pub fn resume(total: usize, before: usize) -> Self {
        Self { started: Instant::now(), before, done: before, total }
    }

    /// Counts `units` more and tells where the task stands.
    pub fn advance(&mut self, units: usize) -> Progress {
        self.done += units;
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 { (self.done - self.before) as f64 / seconds } else { 0.0 };
        let left =
            (rate > 0.0).then(|| Duration::from_secs_f64((self.total - self.done.min(self.total)) as f64 / rate));
        Progress { done: self.done, total: self.total, rate, left }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}
