//! Options for the store.

use std::path::PathBuf;

use clap::Args;

use crate::{disk::expand, error::Result, store::Store};

/// Folder of the store, or none.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct StoreOptions {
    /// Folder for computed results [default: PARTSCOPE_CACHE, or the user's cache folder]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,
    /// Do not use the store; PARTSCOPE_CACHE=off does the same
    #[arg(long)]
    no_cache: bool,
}

impl StoreOptions {
    /// Returns options for the store in `cache`, or for the user's store.
    pub(super) fn with_folder(cache: Option<PathBuf>) -> Self {
        Self { cache, no_cache: false }
    }

    /// Returns the store for commands that compute, without what killed processes left in it.
    pub(super) fn store(&self) -> Result<Store> {
        let store = self.as_is()?;
        store.sweep();
        Ok(store)
    }

    /// Returns the store.
    pub(super) fn as_is(&self) -> Result<Store> {
        match &self.cache {
            _ if self.no_cache => Ok(Store::none()),
            Some(folder) => Ok(Store::at(expand(folder))),
            None => Store::of_user(),
        }
    }
}
