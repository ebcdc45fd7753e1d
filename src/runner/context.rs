//! The text before every query of a run: plain text, or the turns of a conversation.

use std::sync::Arc;

use super::PromptText;
use crate::{
    error::Result,
    model::{ChatTemplate, Turn},
    task::{Example, Template},
};

/// Returns the prompt of `query` after `demonstrations`, as a conversation if there is a chat template.
///
/// # Errors
/// If the template cannot render an example, or the chat template rejects the conversation.
pub fn preview(
    template: &Template,
    chat: Option<&ChatTemplate>,
    demonstrations: &[Example],
    query: &Example,
) -> Result<String> {
    let prompt = PromptContext::new(template, chat, demonstrations)?.prompt(&template.render(query)?)?;
    Ok(prompt.to_string())
}

/// Rendered demonstrations, to which queries are appended.
pub(super) enum PromptContext<'m> {
    /// Every demonstration with its label word and the separator.
    Text(Arc<str>),
    /// One user turn and one assistant turn per demonstration, and the instruction if no turn contains it yet.
    Turns(Vec<Turn>, String, &'m ChatTemplate),
}

impl<'m> PromptContext<'m> {
    /// Renders `demonstrations`, as a conversation if there is a chat template.
    pub(super) fn new(template: &Template, chat: Option<&'m ChatTemplate>, demonstrations: &[Example]) -> Result<Self> {
        let Some(chat) = chat else { return Ok(Self::Text(template.context(demonstrations)?.into())) };
        let mut turns = Vec::with_capacity(2 * demonstrations.len());
        let mut instruction = template.instruction.clone();
        for demonstration in demonstrations {
            turns.push(Turn::user(std::mem::take(&mut instruction) + &template.render(demonstration)?));
            turns.push(Turn::assistant(template.word(demonstration.label).trim()));
        }
        Ok(Self::Turns(turns, instruction, chat))
    }

    /// Returns the prompt of a query, up to its label word.
    pub(super) fn prompt(&self, query: &str) -> Result<PromptText> {
        match self {
            Self::Text(context) => Ok(PromptText::new(context, query)),
            Self::Turns(turns, instruction, chat) => {
                let question = Turn::user(instruction.to_owned() + query);
                Ok(chat.render(&[&turns[..], &[question]].concat())?.as_str().into())
            }
        }
    }
}
