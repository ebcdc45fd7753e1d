//! Sample prompts for checking a model.

use crate::{
    attribution::Attribution,
    cancel::Cancel,
    decompose::{BatchSize, LabelProjection, Prepared},
    error::Result,
    model::Model,
    random::SeededRng,
};

/// In-context classification prompts.
const PROMPTS: [&str; 8] = [
    "Review: a fine film. Sentiment: positive\nReview: dull and long. Sentiment: negative\nReview: I loved it. Sentiment:",
    "Review: a fine film. Sentiment: positive\nReview: dull and long. Sentiment: negative\nReview: I hated it. Sentiment:",
    "Review: a waste of an evening. Sentiment: negative\nReview: what a joy. Sentiment:",
    "The service was slow and the food was cold. All in all it was",
    "The room was bright, the staff was kind. All in all it was",
    "Question: is the sky blue? Answer: yes\nQuestion: is grass red? Answer:",
    "Question: do fish fly? Answer: no\nQuestion: do birds fly? Answer:",
    "News: the team won the final. Topic: sports\nNews: shares fell again. Topic:",
];
const LABELS: usize = 8;
/// Lengths of random prompts.
#[cfg_attr(not(feature = "cross-check"), allow(dead_code, reason = "the cross-check uses it"))]
const LENGTHS: [usize; 4] = [1, 2, 16, 48];
/// Seed of random prompts.
#[cfg_attr(not(feature = "cross-check"), allow(dead_code, reason = "the cross-check uses it"))]
const SEED: u64 = 17;

/// Returns the ids of the sample prompts, the last tokens of those that do not fit the context.
pub(super) fn prompts(model: &Model) -> Result<Vec<Vec<u32>>> {
    let longest = model.decoder.context;
    let encode = |text: &&str| -> Result<Vec<u32>> {
        let ids = model.tokenizer.encode(text)?;
        Ok(ids[ids.len().saturating_sub(longest)..].to_vec())
    };
    let mut prompts = PROMPTS.iter().map(encode).collect::<Result<Vec<_>>>()?;
    prompts.retain(|prompt| !prompt.is_empty());
    Ok(prompts)
}

/// Returns prompts of random ids, which no tokenizer shortens to a few frequent tokens.
#[cfg_attr(not(feature = "cross-check"), allow(dead_code, reason = "the cross-check uses it"))]
pub(super) fn random_prompts(model: &Model) -> Result<Vec<Vec<u32>>> {
    let (vocabulary, context) = (model.decoder.vocabulary()?, model.decoder.context);
    let mut rng = SeededRng::new(SEED);
    let prompt = |&length: &usize| (0..length.min(context)).map(|_| rng.below(vocabulary) as u32).collect();
    Ok(LENGTHS.iter().map(prompt).collect())
}

/// Attributes the sample prompts, with [`LABELS`] tokens spread over the vocabulary as labels.
pub(super) fn attribute(model: &Model) -> Result<Attribution> {
    let cancel = Cancel::default();
    let prompts = prompts(model)?;
    let vocabulary = model.decoder.vocabulary()?;
    let count = LABELS.min(vocabulary);
    let labels: Vec<u32> = (0..count).map(|label| ((2 * label + 1) * vocabulary / (2 * count)) as u32).collect();
    let projection = LabelProjection::new(&model.decoder, &labels)?;
    let prepared = Prepared::new(&model.decoder, &projection, &prompts, &cancel)?;
    let mut table = Attribution::new(projection.shape(), vec![0; prompts.len()]);
    prepared.attribute(&prompts, BatchSize::default(), &cancel, |batch| table.push(&batch))?;
    Ok(table)
}
