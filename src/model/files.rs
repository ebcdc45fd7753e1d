//! Opened files of a model.

use std::path::PathBuf;

use super::{
    adapter::Adapter,
    chat::ChatTemplate,
    family::Config,
    memory,
    tokenizer::Tokenizer,
    weights::{Dtype, Precision, Weights},
};
use crate::error::Result;

/// Configuration, tokenizer, chat template and weights of a model.
pub(crate) struct Files {
    pub(super) config: Config,
    pub(super) tokenizer: Tokenizer,
    pub(super) tokenizer_path: PathBuf,
    pub(super) chat: Option<ChatTemplate>,
    pub(super) weights: Weights,
    /// An adapter that is merged into the weights when the model is loaded.
    pub(super) adapter: Option<Adapter>,
}

impl Files {
    /// Merges the adapter into the weights, if there is one.
    ///
    /// # Errors
    /// If it is incomplete, or does not fit the weights.
    pub(super) fn merged(self) -> Result<Self> {
        let weights = match &self.adapter {
            Some(adapter) => adapter.merge(self.weights)?,
            None => self.weights,
        };
        Ok(Self { weights, adapter: None, ..self })
    }
}

#[cfg_attr(not(feature = "cross-check"), allow(dead_code, reason = "the cross-check uses it"))]
impl Files {
    /// Returns the configuration, as of a Hugging Face folder.
    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the weights alone, with the adapter merged.
    ///
    /// # Errors
    /// If there is an adapter that cannot be merged.
    pub(crate) fn into_weights(self) -> Result<Weights> {
        Ok(self.merged()?.weights)
    }

    /// Replaces the configuration.
    #[must_use]
    pub(crate) fn with_config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// Returns the precision of matrices in memory for `dtype`, if `free` bytes are free.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub(crate) fn precision(&self, dtype: Dtype, free: Option<u64>) -> Result<Precision> {
        memory::choose(&self.weights, dtype, free)
    }
}
