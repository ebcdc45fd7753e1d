//! The text of a prompt.

use std::{fmt, sync::Arc};

/// Text of a prompt: a context shared by all prompts of a run, stored once, and the query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptText {
    context: Arc<str>,
    query: Arc<str>,
}

impl PromptText {
    /// Appends `query` to `context`.
    pub fn new(context: &Arc<str>, query: &str) -> Self {
        Self { context: Arc::clone(context), query: query.into() }
    }
}

impl From<&str> for PromptText {
    /// Makes a prompt with an empty context.
    fn from(text: &str) -> Self {
        Self { context: Arc::default(), query: text.into() }
    }
}

impl fmt::Display for PromptText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)?;
        f.write_str(&self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_of_a_run_share_their_context() {
        let context: Arc<str> = "Review: good\nSentiment: positive\n\n".into();
        let prompts: Vec<PromptText> = ["Review: bad", "Review: fine"].map(|q| PromptText::new(&context, q)).into();
        assert_eq!(prompts[1].to_string(), "Review: good\nSentiment: positive\n\nReview: fine");
        assert_eq!(Arc::strong_count(&context), 3);
        assert_eq!(PromptText::from("a\nb").to_string(), "a\nb");
    }
}
