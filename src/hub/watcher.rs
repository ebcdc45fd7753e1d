//! Downloads as they are watched.

use std::{fmt, sync::Arc};

/// How far the download of one file is.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// The file's name in the repository.
    pub file: &'a str,
    /// Bytes that have arrived.
    pub done: u64,
    /// Bytes in all, if the hub says.
    pub total: Option<u64>,
}

type See = dyn Fn(&Download<'_>) + Send + Sync;

/// Somebody who wants to see downloads.
#[derive(Clone, Default)]
pub struct Watcher(Option<Arc<See>>);

impl Watcher {
    /// Calls `see` every few megabytes.
    pub fn new(see: impl Fn(&Download<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(see)))
    }

    pub(super) fn see(&self, download: &Download<'_>) {
        if let Some(see) = &self.0 {
            see(download);
        }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Watcher(..)" } else { "Watcher" })
    }
}
