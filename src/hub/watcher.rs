//! Progress of downloads.

use std::{fmt, sync::Arc};

use crate::size::format_size;

/// Progress of the download of one file.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// Name of the file in the repository.
    pub file: &'a str,
    /// Bytes received.
    pub done: u64,
    /// Bytes in total, if known.
    pub total: Option<u64>,
}

impl fmt::Display for Download<'_> {
    /// Writes the file's name and its progress: `model.safetensors: 13.6 MB of 4.50 GB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, format_size(self.done))?;
        self.total.map_or(Ok(()), |total| write!(f, " of {}", format_size(total)))
    }
}

type Callback = dyn Fn(&Download<'_>) + Send + Sync;

/// A callback for the progress of downloads.
#[derive(Clone, Default)]
pub struct Watcher(Option<Arc<Callback>>);

impl Watcher {
    /// Creates a watcher that calls `callback` every few megabytes.
    pub fn new(callback: impl Fn(&Download<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    pub(super) fn report(&self, download: &Download<'_>) {
        if let Some(callback) = &self.0 {
            callback(download);
        }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Watcher(..)" } else { "Watcher" })
    }
}
