//! Opened files of a model.

use std::path::PathBuf;

use super::{
    adapter::{Adapter, Base},
    chat::ChatTemplate,
    family::{self, Config},
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
    /// Merges the adapter into the weights, if there is one; `free` bytes are free (unknown if `None`).
    ///
    /// # Errors
    /// If it is incomplete, does not fit the weights, or the changed matrices do not fit in memory.
    pub(super) fn merged(self, free: Option<u64>) -> Result<Self> {
        let is_half = self.config.whole().is_some();
        let rename = |name: &str| if is_half { family::text_half_name(name) } else { Some(name.to_owned()) };
        let weights = match &self.adapter {
            Some(adapter) => {
                let is_gpt2 = family::choose(&self.config)?.name == "gpt2";
                adapter.merge(self.weights, &Base { rename: &rename, is_gpt2, free })?
            }
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
    pub(crate) fn into_weights(self, free: Option<u64>) -> Result<Weights> {
        Ok(self.merged(free)?.weights)
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
