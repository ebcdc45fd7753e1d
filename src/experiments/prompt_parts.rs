//! Assigns the tokens of a prompt to its parts.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{error::Result, model::Tokenizer, runner::Rebuilt};

/// Part of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptPart {
    /// The beginning-of-text token, if the tokenizer adds one.
    Start,
    /// The text of a demonstration, counted from 0.
    Text(usize),
    /// The label word of a demonstration.
    Label(usize),
    /// Separators and other tokens that belong to no other part.
    Between,
    /// The example to classify.
    Query,
}

impl PromptPart {
    /// Returns all parts of a prompt with this many demonstrations, in the order of tables.
    pub fn all(demonstrations: usize) -> Vec<Self> {
        let shown = (0..demonstrations).flat_map(|index| [Self::Text(index), Self::Label(index)]);
        [Self::Start].into_iter().chain(shown).chain([Self::Between, Self::Query]).collect()
    }

    /// Returns the index in [`PromptPart::all`].
    pub(super) const fn index(self, demonstrations: usize) -> usize {
        match self {
            Self::Start => 0,
            Self::Text(index) => 1 + 2 * index,
            Self::Label(index) => 2 + 2 * index,
            Self::Between => 1 + 2 * demonstrations,
            Self::Query => 2 + 2 * demonstrations,
        }
    }
}

impl std::fmt::Display for PromptPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start => f.pad("start"),
            Self::Text(index) => f.pad(&format!("text {}", index + 1)),
            Self::Label(index) => f.pad(&format!("label {}", index + 1)),
            Self::Between => f.pad("between"),
            Self::Query => f.pad("query"),
        }
    }
}

/// Token of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptToken {
    /// Its text in the prompt.
    pub text: String,
    /// Its part of the prompt.
    pub part: PromptPart,
}

/// Returns the tokens of test prompt `index`.
///
/// # Errors
/// If the tokenizer fails.
pub(super) fn tokens(tokenizer: &Tokenizer, rebuilt: &Rebuilt, index: usize) -> Result<Vec<PromptToken>> {
    let text = &rebuilt.texts[index];
    let spans = spans(text, &rebuilt.demonstrations, &rebuilt.queries[index]);
    let token = |(id, range): (u32, Range<usize>)| {
        let part = match range.end.checked_sub(1) {
            None => PromptPart::Start,
            Some(last) => {
                spans.iter().find(|(span, _)| span.contains(&last)).map_or(PromptPart::Between, |(_, part)| *part)
            }
        };
        let piece = String::from_utf8_lossy(&text.as_bytes()[range]).into_owned();
        let text = if piece.is_empty() { tokenizer.pieces(&[id]).swap_remove(0) } else { piece };
        PromptToken { text, part }
    };
    Ok(tokenizer.encode_with_ranges(text)?.into_iter().map(token).collect())
}

/// Returns byte ranges of `prompt` with their parts. Each demonstration and label word is searched after the previous
/// one, so that prompts may omit demonstrations or have markup between them.
fn spans(prompt: &str, demonstrations: &[(String, String)], query: &str) -> Vec<(Range<usize>, PromptPart)> {
    let mut spans = Vec::new();
    let mut at = 0;
    for (index, (text, word)) in demonstrations.iter().enumerate() {
        let Some(found) = prompt[at..].find(text.as_str()) else { continue };
        let text = at + found..at + found + text.len();
        let word = word.trim_start();
        let Some(found) = prompt[text.end..].find(word) else { continue };
        let label = text.end + found..text.end + found + word.len();
        let gap = prompt[text.end..label.start].trim().is_empty();
        at = label.end;
        spans.push((text.clone(), PromptPart::Text(index)));
        spans.push((if gap { text.end..label.end } else { label }, PromptPart::Label(index)));
    }
    if let Some(found) = prompt[at..].rfind(query) {
        spans.push((at + found..prompt.len(), PromptPart::Query));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_order() {
        let shown = |text: &str, word: &str| (text.to_owned(), word.to_owned());
        let demonstrations = [shown("Q: a\nA:", " yes"), shown("Q: yes\nA:", " no")];
        let prompt = "Q: a\nA: yes\n\nQ: yes\nA: no\n\nQ: b\nA:";
        let found = spans(prompt, &demonstrations, "Q: b\nA:");
        let text: Vec<(&str, PromptPart)> = found.into_iter().map(|(span, part)| (&prompt[span], part)).collect();
        assert_eq!(
            text,
            [
                ("Q: a\nA:", PromptPart::Text(0)),
                (" yes", PromptPart::Label(0)),
                ("Q: yes\nA:", PromptPart::Text(1)),
                (" no", PromptPart::Label(1)),
                ("Q: b\nA:", PromptPart::Query),
            ]
        );
    }

    #[test]
    fn omitted_demonstrations_are_skipped() {
        let shown = |text: &str, word: &str| (text.to_owned(), word.to_owned());
        let found = spans("[b](x) [c]", &[shown("a", "y"), shown("b", "x")], "c");
        let parts: Vec<PromptPart> = found.iter().map(|(_, part)| *part).collect();
        assert_eq!(parts, [PromptPart::Text(1), PromptPart::Label(1), PromptPart::Query]);
        assert_eq!(found[1].0, 4..5);
    }

    #[test]
    fn index_agrees_with_all() {
        let all = PromptPart::all(3);
        assert!(all.iter().enumerate().all(|(place, part)| part.index(3) == place));
    }
}
