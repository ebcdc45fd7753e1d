//! Where what the model computed is kept.

use std::path::PathBuf;

use clap::Args;

use crate::{error::Result, store::Store};

/// Whether and where runs are kept, so that nothing is computed twice.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct StoreOptions {
    /// Folder that keeps what the model computed [default: PARTSCOPE_CACHE, or the user's cache folder]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,
    /// Keep nothing and look nothing up; PARTSCOPE_CACHE=off does the same
    #[arg(long)]
    no_cache: bool,
}

impl StoreOptions {
    /// The store in `cache`, or that of the user.
    pub(super) fn within(cache: Option<PathBuf>) -> Self {
        Self { cache, no_cache: false }
    }

    /// The store that these options name.
    pub(super) fn store(&self) -> Result<Store> {
        match &self.cache {
            _ if self.no_cache => Ok(Store::none()),
            Some(folder) => Ok(Store::at(folder)),
            None => Store::of_user(),
        }
    }
}
