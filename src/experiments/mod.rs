//! What really happens when a component is off, and where it was looking.
//!
//! Contributions are direct effects: scale one, and the rest of the network stands still. Here the change is made inside
//! the forward pass ([`rerun`], [`sweep`]) and held against the direct effect of the same change; and the attention of
//! heads ([`attention_pattern`], [`attention_shares`]) and the words that a component writes ([`logit_lens`]) are looked at.

mod ablation;
mod attention_pattern;
mod context;
mod logit_lens;
mod means;
mod prompt_parts;
mod rerun;
mod sweep;
mod sweep_batch;

pub use ablation::{Ablation, Fill};
pub use attention_pattern::{AttentionPattern, Shares, attention_pattern, attention_shares};
pub use context::RunContext;
pub use logit_lens::{LogitLens, Word, logit_lens};
pub use prompt_parts::{PromptPart, PromptToken};
#[cfg(test)]
pub(crate) use rerun::reactions;
pub use rerun::{Rerun, rerun};
pub use sweep::{Sweep, price, sweep};

pub use crate::model::Positions;
