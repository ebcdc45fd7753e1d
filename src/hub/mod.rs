//! The Hugging Face hub: repositories of models and data sets, the cache on this machine, and downloads into it.
//!
//! A complete snapshot in the cache is used without any network access; in offline mode there are no connections at
//! all. What a server sends is not trusted: see `download.rs` and `request.rs`.

mod address;
mod cache;
mod client;
mod digest;
mod download;
mod partial;
mod repo;
mod request;
mod settings;
mod watcher;

pub use cache::cached_models;
pub use client::Client;
pub use repo::{Repo, RepoKind};
pub use settings::{Settings, go_offline};
pub use watcher::{Download, Watcher};
