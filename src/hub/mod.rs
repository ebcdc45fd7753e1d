//! The Hugging Face hub: repositories of models and data sets, its cache on this machine, and downloads into it.
//!
//! A snapshot that is complete in the cache is used without a word to the network; offline means not one connection.

mod cache;
mod client;
mod repo;
mod settings;
mod watcher;

pub use client::Client;
pub use repo::{Repo, RepoKind};
pub use settings::{Settings, go_offline};
pub use watcher::{Download, Watcher};
