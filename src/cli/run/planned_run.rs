//! Planned runs.

use crate::{
    model::Model,
    runner::{Plan, Prompts, run_key},
    store::{Destination, Store},
};

/// A planned run and its folder.
pub(super) struct PlannedRun {
    pub(super) plan: Plan,
    pub(super) prompts: Prompts,
    pub(super) folder: Option<Destination>,
}

impl PlannedRun {
    /// Returns whether the run is in the store.
    pub(super) fn is_stored(&self, model: &Model, store: &Store) -> bool {
        store.holds(&run_key(model, &self.plan, &self.prompts))
    }

    /// Returns the number of tokens to compute, counting the shared prefix once.
    pub(super) fn computed_tokens(&self) -> usize {
        self.prompts.computed_tokens(self.plan.prompt.prefix_tokens)
    }
}
