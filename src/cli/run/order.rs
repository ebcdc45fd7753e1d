//! A run that is to be made.

use crate::{
    model::Model,
    runner::{Plan, Prompts, run_key},
    store::{Destination, Store},
};

/// A run that is to be made, and where it goes.
pub(super) struct Order {
    pub(super) plan: Plan,
    pub(super) prompts: Prompts,
    pub(super) folder: Option<Destination>,
}

impl Order {
    /// Whether the store holds it.
    pub(super) fn is_kept(&self, model: &Model, store: &Store) -> bool {
        store.holds(&run_key(model, &self.plan, &self.prompts))
    }

    /// Tokens that the model reads, the shared beginning once.
    pub(super) fn computed_tokens(&self) -> usize {
        let prompts = self.prompts.all().len();
        self.plan.prompt.tokens - self.plan.prompt.prefix_tokens * prompts.saturating_sub(1)
    }
}
