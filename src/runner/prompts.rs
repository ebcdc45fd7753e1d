//! Token ids of the prompts of a run, made once and kept with the run.

use std::sync::Arc;

use crate::{
    attribution::Split,
    model::{Prompt, Tokens},
    run::Run,
};

/// Token ids of every prompt of a run, in the order of its tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompts {
    /// Prompts of the training split.
    pub train: Vec<Tokens>,
    /// Prompts of the test split.
    pub test: Vec<Tokens>,
}

impl Prompts {
    /// Returns the prompts of one split.
    pub fn split(&self, split: Split) -> &[Tokens] {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    /// Returns the number of tokens to compute after a shared prefix of `prefix` tokens, which is computed once. A prompt
    /// may begin with only a part of it.
    pub fn computed_tokens(&self, prefix: usize) -> usize {
        prefix + self.all().into_iter().map(|prompt| prompt.len() - prompt.shared().min(prefix)).sum::<usize>()
    }

    /// Returns all prompts, training split first.
    pub fn all(&self) -> Vec<&Tokens> {
        self.train.iter().chain(&self.test).collect()
    }

    /// Returns the first `shared` token ids, which all test prompts share.
    pub(super) fn prefix(&self, shared: usize) -> Vec<u32> {
        self.test
            .iter()
            .chain(&self.train)
            .next()
            .map_or_else(Vec::new, |prompt| prompt.tokens().take(shared).collect())
    }

    /// Stores the first tokens of every prompt again so that all share at most `shared` of them.
    pub(crate) fn shorten_prefix(&mut self, shared: usize) {
        self.train.iter_mut().chain(&mut self.test).for_each(|prompt| prompt.shorten_prefix(shared));
    }

    /// Returns the prompts that `run` keeps; `None` for a run of an older version, which keeps none.
    pub(super) fn of_run(run: &Run) -> Option<Self> {
        let prefix: Arc<[u32]> = run.meta.prompt.prefix.as_slice().into();
        let whole = prefix.len() == run.meta.prompt.prefix_tokens;
        if !whole || run.examples.iter().any(|record| record.tokens.is_empty()) {
            return None;
        }
        let prompts = |split| {
            let own = run.examples.iter().filter(|record| record.split == split);
            own.map(|r| Tokens::after_prefix(&prefix, r.shared.unwrap_or(prefix.len()), &r.tokens)).collect()
        };
        Some(Self { train: prompts(Split::Train), test: prompts(Split::Test) })
    }
}
