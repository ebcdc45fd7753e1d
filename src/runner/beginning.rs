//! What stands before every query of a run: plain text, or the turns of a conversation.

use std::sync::Arc;

use super::PromptText;
use crate::{
    error::Result,
    model::{ChatTemplate, Turn},
    task::{Example, Template},
};

/// Demonstrations in words, ready for queries.
pub(super) enum Beginning<'m> {
    /// Each with its label word and the separator.
    Text(Arc<str>),
    /// Each as something the user says and the model answers.
    Turns(Vec<Turn>, &'m ChatTemplate),
}

impl<'m> Beginning<'m> {
    /// Puts `demonstrations` into words; as a conversation if there is a chat template.
    pub(super) fn new(template: &Template, chat: Option<&'m ChatTemplate>, demonstrations: &[Example]) -> Result<Self> {
        let Some(chat) = chat else { return Ok(Self::Text(template.context(demonstrations)?.into())) };
        let mut turns = Vec::with_capacity(2 * demonstrations.len());
        for demonstration in demonstrations {
            turns.push(Turn::user(template.render(demonstration)?));
            turns.push(Turn::assistant(template.label_words[demonstration.label].trim()));
        }
        Ok(Self::Turns(turns, chat))
    }

    /// The prompt of a query, up to its label word.
    pub(super) fn before(&self, query: &str) -> Result<PromptText> {
        match self {
            Self::Text(context) => Ok(PromptText::new(context, query)),
            Self::Turns(turns, chat) => Ok(chat.render(&[&turns[..], &[Turn::user(query)]].concat())?.as_str().into()),
        }
    }
}
