//! Checks that stored prompts belong to a stored table, where no checksum does.

use super::{Plan, Prompts, execute::score};
use crate::{
    attribution::{Attribution, Exactness, F32_TOLERANCE},
    cancel::Cancel,
    error::{InputError, Result},
    model::Model,
};

/// Checks that the test `prompts` of `plan` give the logits in `table`: in a run without checksums nothing else ties them to
/// it. Costs a pass over the test prompts.
///
/// # Errors
/// If they do not, the computation fails, or it was cancelled.
pub fn check_prompts(
    model: &Model,
    plan: &Plan,
    prompts: &Prompts,
    table: &Attribution,
    cancel: &Cancel,
) -> Result<()> {
    let wide = |logits: &[f32]| logits.iter().copied().map(f64::from).collect::<Vec<f64>>();
    let (found, words) = (score(model, plan, prompts, cancel, &mut |_| {})?, table.words());
    if Exactness::measure(&wide(&found), &wide(words.full()), words.shape().labels).holds(F32_TOLERANCE) {
        return Ok(());
    }
    let problem = "the prompts and label words of the run do not give the logits in its table";
    Err(InputError::new(problem).help("its files were changed, and it has no checksums; run again").into())
}
