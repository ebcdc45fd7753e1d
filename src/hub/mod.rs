//! The Hugging Face hub: repositories of models and data sets, the cache on this machine, and downloads into it.
//!
//! A complete snapshot in the cache is used without any network access; in offline mode there are no connections at
//! all.

mod cache;
mod client;
mod repo;
mod settings;
mod watcher;

pub use client::Client;
pub use repo::{Repo, RepoKind};
pub use settings::{Settings, go_offline};
pub use watcher::{Download, Watcher};
