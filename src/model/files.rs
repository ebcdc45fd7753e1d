//! The files that make a model.

use std::path::PathBuf;

use super::{chat::ChatTemplate, family::Config, tokenizer::Tokenizer, weights::Weights};

/// The files of a model, opened.
pub(super) struct Files {
    pub(super) config: Config,
    pub(super) tokenizer: Tokenizer,
    pub(super) tokenizer_path: PathBuf,
    pub(super) chat: Option<ChatTemplate>,
    pub(super) weights: Weights,
}
