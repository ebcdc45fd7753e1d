//! Runs on disk.
//!
//! [`Destination`] and [`open`] write and read a folder chosen by the user. [`Store`] caches computed runs and logits
//! in the user's cache folder, keyed by everything that determines them, so that nothing is computed twice.

mod attachments;
mod checksums;
mod directories;
mod entry;
mod folder;
mod key;
mod lock;
mod maintenance;
mod partial;
mod root;
mod table;

pub use attachments::Attachments;
pub use entry::{Content, Entry};
pub use folder::{Destination, open};
pub use key::{ENGINE_REVISION, EntryKey, KeyMaker};
pub use lock::Claim;
pub use maintenance::{CheckResult, Limits, Pruned};
pub use partial::{About, Partial};
pub use root::{Store, VARIABLE};
