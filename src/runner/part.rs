//! Parts of a prompt: demonstrations, their label words, and the query.

use serde::{Deserialize, Serialize};

/// Part of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptPart {
    /// The beginning-of-text token, if there is one.
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
    pub(crate) const fn index(self, demonstrations: usize) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_agrees_with_all() {
        let all = PromptPart::all(3);
        assert!(all.iter().enumerate().all(|(place, part)| part.index(3) == place));
    }
}
