//! What stands before every query of a run: plain text, or the turns of a conversation.

use std::sync::Arc;

use super::PromptText;
use crate::{
    error::Result,
    model::{ChatTemplate, Turn},
    task::{Example, Template},
};

/// The prompt of `query` after `demonstrations`; as a conversation if there is a chat template.
///
/// # Errors
/// If the template cannot put an example into words, or the chat template refuses the conversation.
pub fn preview(
    template: &Template,
    chat: Option<&ChatTemplate>,
    demonstrations: &[Example],
    query: &Example,
) -> Result<String> {
    let prompt = PromptContext::new(template, chat, demonstrations)?.before(&template.render(query)?)?;
    Ok(prompt.to_string())
}

/// Demonstrations in words, ready for queries.
pub(super) enum PromptContext<'m> {
    /// Each with its label word and the separator.
    Text(Arc<str>),
    /// Each as something the user says and the model answers; what the next thing the user says begins with.
    Turns(Vec<Turn>, String, &'m ChatTemplate),
}

impl<'m> PromptContext<'m> {
    /// Puts `demonstrations` into words; as a conversation if there is a chat template.
    pub(super) fn new(template: &Template, chat: Option<&'m ChatTemplate>, demonstrations: &[Example]) -> Result<Self> {
        let Some(chat) = chat else { return Ok(Self::Text(template.context(demonstrations)?.into())) };
        let mut turns = Vec::with_capacity(2 * demonstrations.len());
        let mut instruction = template.instruction.clone();
        for demonstration in demonstrations {
            turns.push(Turn::user(std::mem::take(&mut instruction) + &template.render(demonstration)?));
            turns.push(Turn::assistant(template.label_words[demonstration.label].trim()));
        }
        Ok(Self::Turns(turns, instruction, chat))
    }

    /// The prompt of a query, up to its label word.
    pub(super) fn before(&self, query: &str) -> Result<PromptText> {
        match self {
            Self::Text(context) => Ok(PromptText::new(context, query)),
            Self::Turns(turns, instruction, chat) => {
                let asked = Turn::user(instruction.to_owned() + query);
                Ok(chat.render(&[&turns[..], &[asked]].concat())?.as_str().into())
            }
        }
    }
}
