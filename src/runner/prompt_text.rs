//! A prompt in words.

use std::{fmt, sync::Arc};

/// What the model reads: a beginning that the prompts of a run have in common, which stands in memory once, and the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptText {
    before: Arc<str>,
    query: Arc<str>,
}

impl PromptText {
    /// `query` behind `before`.
    pub fn new(before: &Arc<str>, query: &str) -> Self {
        Self { before: Arc::clone(before), query: query.into() }
    }
}

impl From<&str> for PromptText {
    /// A prompt that shares nothing.
    fn from(text: &str) -> Self {
        Self { before: Arc::default(), query: text.into() }
    }
}

impl fmt::Display for PromptText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.before)?;
        f.write_str(&self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_of_a_run_hold_their_beginning_together() {
        let before: Arc<str> = "Review: good\nSentiment: positive\n\n".into();
        let prompts: Vec<PromptText> = ["Review: bad", "Review: fine"].map(|q| PromptText::new(&before, q)).into();
        assert_eq!(prompts[1].to_string(), "Review: good\nSentiment: positive\n\nReview: fine");
        assert_eq!(Arc::strong_count(&before), 3);
        assert_eq!(PromptText::from("a\nb").to_string(), "a\nb");
    }
}
