//! Runs on disk.
//!
//! [`Destination`] and [`open`] write and read a folder chosen by the user. [`Store`] caches computed runs and logits
//! in the user's cache folder, keyed by everything that determines them, so that nothing is computed twice.

mod attachments;
mod checksums;
mod consistency;
mod contradiction;
mod destination;
mod entry;
mod files;
mod hidden_file;
mod key;
mod lease;
mod maintenance;
mod metadata;
mod open;
mod open_hidden;
mod partial;
mod root;
mod swap;
mod table;

pub use attachments::{Attachments, read_attachment};
pub use destination::Destination;
pub use entry::{Content, Entry};
pub use key::{ENGINE_REVISION, EntryKey, KeyMaker};
pub use lease::Lease;
pub use maintenance::{CheckResult, Limits, Pruned};
pub use open::open;
pub use open_hidden::open_with_hidden;
pub use partial::{About, Partial};
pub use root::{SHARED_VARIABLE, Store, VARIABLE};
