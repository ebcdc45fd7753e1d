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
    /// Folder of a store that is only read, for results that the other one lacks [default: PARTSCOPE_SHARED_CACHE]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    shared_cache: Option<PathBuf>,
}

impl StoreOptions {
    /// Returns options for the store in `cache`, or for the user's store.
    pub(super) fn with_folder(cache: Option<PathBuf>) -> Self {
        Self { cache, ..Self::default() }
    }

    /// Returns the store for commands that compute, without what killed processes left in it.
    pub(super) fn store(&self) -> Result<Store> {
        let store = self.as_is()?;
        store.remove_leftovers();
        Ok(store)
    }

    /// Returns the store.
    pub(super) fn as_is(&self) -> Result<Store> {
        let store = match &self.cache {
            _ if self.no_cache => Store::none(),
            Some(folder) => Store::at(expand(folder)),
            None => Store::of_user()?,
        };
        let shared = self.shared_cache.as_deref().map(expand).or_else(Store::shared_of_user);
        Ok(store.with_shared(shared))
    }
}
