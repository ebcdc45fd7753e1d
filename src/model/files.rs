//! Opened files of a model.

use std::path::PathBuf;

use super::{chat::ChatTemplate, family::Config, tokenizer::Tokenizer, weights::Weights};

/// Configuration, tokenizer, chat template and weights of a model.
pub(crate) struct Files {
    pub(super) config: Config,
    pub(super) tokenizer: Tokenizer,
    pub(super) tokenizer_path: PathBuf,
    pub(super) chat: Option<ChatTemplate>,
    pub(super) weights: Weights,
}
