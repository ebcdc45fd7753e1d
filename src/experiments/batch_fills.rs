//! Replacement values of ablated outputs for one batch.

use crate::model::Results;

/// Replacement values for a batch; `None` for zeros.
#[derive(Default)]
pub(super) struct BatchFills {
    /// For the tokens that are changed.
    pub(super) changed: Option<Results>,
    /// For the prompts' last tokens.
    pub(super) last: Option<Results>,
}
