//! Experiments with the model: ablations, attention patterns and the logit lens.
//!
//! Contributions are direct effects: when one is scaled, the rest of the network does not react. [`rerun`] and
//! [`sweep`] scale components inside the forward pass and compare the total effect with the direct one;
//! [`RunContext::fill_from`] takes replacement values from another run, and [`patch_residual`] replaces the residual stream
//! by layer and position.
//! [`attention_pattern`] and [`attention_shares`] show what heads attend to, and [`logit_lens`] the tokens that a
//! component promotes. [`GROUPS`] are the columns of the atlas that run the model. [`layer_lens`] reads label logits from the residual stream after every block, and [`top_words`] the
//! words.

mod ablation;
mod answers;
mod attention_pattern;
mod batch_fills;
mod biased_heads;
mod columns;
mod context;
mod contributions;
mod fills;
mod layer_lens;
mod logit_lens;
mod means;
mod paired;
mod prompt_parts;
mod rerun;
mod residual_patching;
mod sweep;
mod sweep_batch;

pub use ablation::{Ablation, Fill};
pub use attention_pattern::{AttentionPattern, Shares, attention_pattern, attention_shares};
pub use biased_heads::{find_biased_heads, logits_without};
pub use columns::{
    ColumnGroup, ColumnJob, ColumnSpec, GROUPS, RepeatedPrompt, RepetitionScores, RunSize, repetition_scores,
};
pub use context::RunContext;
pub use layer_lens::{LayerLens, Point, TopWords, layer_lens, top_words};
pub use logit_lens::{LogitLens, Word, logit_lens};
pub use prompt_parts::PromptToken;
#[cfg(test)]
pub(crate) use rerun::reactions;
pub use rerun::{Rerun, rerun};
pub use residual_patching::{ResidualPatching, patch_residual};
pub use sweep::{Sweep, price, sweep};

pub use crate::{model::Positions, runner::PromptPart};
