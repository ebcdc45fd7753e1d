//! Progress of loading, in bytes.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

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
