//! Runs on disk.
//!
//! [`Destination`] and [`open`] write and read a folder that the user named. [`Store`] keeps what the model computed
//! under the user's cache, named by all that determines it, so that the same request is never computed twice.

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
pub use key::{EntryKey, KeyMaker};
pub use lock::Claim;
pub use maintenance::{CheckResult, Limits, Pruned};
pub use partial::{About, Partial};
pub use root::{Store, VARIABLE};
