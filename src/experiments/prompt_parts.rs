//! Assigns the tokens of a prompt to its parts.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    model::{Prompt, Tokenizer},
    runner::{PromptPart, Rebuilt},
};

/// Token of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptToken {
    /// Its text in the prompt.
    pub text: String,
    /// Its part of the prompt.
    pub part: PromptPart,
}

/// Returns the tokens of test prompt `index`: those that the model computes on.
///
/// # Errors
/// If the tokenizer fails, or the text of the prompt is not known or has other tokens.
pub(super) fn tokens(tokenizer: &Tokenizer, rebuilt: &Rebuilt, index: usize) -> Result<Vec<PromptToken>> {
    let layout = rebuilt.layout(index)?;
    let ids: Vec<u32> = rebuilt.prompts.test[index].tokens().collect();
    let encoded = tokenizer.with_bos(rebuilt.bos).encode_with_ranges(&layout.text)?;
    if encoded.len() > ids.len() || encoded.iter().zip(&ids).any(|((id, _), own)| id != own) {
        let problem = "the tokens of the run are not those of its text; the tokenizer has changed: run again";
        return Err(Error::Model(problem.to_owned()));
    }
    let start = tokenizer.start().len();
    let starts = start > 0 && ids.starts_with(tokenizer.start());
    let token = |(at, &id): (usize, &u32)| {
        let range = encoded.get(at).map_or(layout.text.len()..layout.text.len(), |(_, range)| range.clone());
        let part = match range.end.checked_sub(1) {
            _ if starts && at < start => PromptPart::Start,
            None => PromptPart::Start,
            Some(last) => layout.part_at(last),
        };
        let piece = &layout.text.as_bytes()[range];
        let text = match piece {
            [] => tokenizer.pieces(&[id]).swap_remove(0),
            piece => String::from_utf8_lossy(piece).into_owned(),
        };
        PromptToken { text, part }
    };
    Ok(ids.iter().enumerate().map(token).collect())
}
