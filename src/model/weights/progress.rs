//! Progress of loading, in bytes.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::size::format_size;

type Callback = dyn Fn(u64, u64) + Send + Sync;

/// A callback for the progress of loading.
#[derive(Clone, Default)]
pub struct LoadObserver(Option<Arc<Callback>>);

impl LoadObserver {
    /// Creates an observer that calls `callback` with the bytes read so far and in total, on any thread.
    pub fn new(callback: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }
}

impl fmt::Debug for LoadObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "LoadObserver(..)" } else { "LoadObserver" })
    }
}

/// Describes `done` of `total` bytes read in `elapsed`, with the rate and the time left.
pub fn describe_loading(done: u64, total: u64, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(1e-3);
    let left = total.saturating_sub(done) as f64 / rate.max(1.0);
    let (done, total, rate) = (format_size(done), format_size(total), format_size(rate as u64));
    format!("{done} of {total}, {rate}/s, {left:.0} s left")
}

/// Counts the bytes that are read.
#[derive(Debug, Default)]
pub(super) struct LoadProgress {
    observer: LoadObserver,
    done: AtomicU64,
    total: u64,
}

impl LoadProgress {
    pub(super) fn new(observer: LoadObserver, total: u64) -> Self {
        Self { observer, done: AtomicU64::new(0), total }
    }

    pub(super) fn add(&self, bytes: usize) {
        let done = self.done.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        if let Some(callback) = &self.observer.0 {
            callback(done.min(self.total), self.total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_has_a_rate_and_the_time_left() {
        let text = describe_loading(1_500_000_000, 4_500_000_000, Duration::from_secs(1));
        assert_eq!(text, "1.50 GB of 4.50 GB, 1.50 GB/s, 2 s left");
        assert!(!describe_loading(0, 0, Duration::ZERO).contains("NaN"));
    }
}
