//! Progress and remaining time of long tasks.

use std::time::{Duration, Instant};

/// The progress of a running task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Units of work done.
    pub done: usize,
    /// Units of work in total.
    pub total: usize,
    /// Units per second so far.
    pub rate: f64,
    /// Time left at that rate; `None` before the rate is known.
    pub left: Option<Duration>,
}

/// Counts units of work and computes the [`Progress`].
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

    /// Starts the clock on `total` units of which `before` are done already; these do not count for the rate.
    pub fn resume(total: usize, before: usize) -> Self {
        Self { started: Instant::now(), before, done: before, total }
    }

    /// Adds `units` of finished work and returns the progress.
    pub fn advance(&mut self, units: usize) -> Progress {
        self.done += units;
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 { (self.done - self.before) as f64 / seconds } else { 0.0 };
        let left =
            (rate > 0.0).then(|| Duration::from_secs_f64((self.total - self.done.min(self.total)) as f64 / rate));
        Progress { done: self.done, total: self.total, rate, left }
    }

    /// Returns the seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}
