//! Attention of each prompt's last token over the whole prompt.
//!
//! Only that row of the pattern is computed in addition to the forward pass, so that memory grows linearly with the
//! prompt's length.

use candle_core::Tensor;

use super::{PromptPart, PromptToken, RunContext, prompt_parts};
use crate::{
    cancel::Cancel,
    error::{Error, Result},
    model::{Probe, Tokenizer},
    progress::{Meter, Progress},
    runner::Rebuilt,
};

/// Attention of all heads in one prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionPattern {
    /// The tokens of the prompt.
    pub tokens: Vec<PromptToken>,
    /// Heads per layer.
    pub heads: usize,
    /// Attention of head `layer · heads + head` over the tokens; each row sums to one.
    pub weights: Vec<Vec<f32>>,
}

/// Share of attention on each part of the prompt, between 0 and 1, averaged over the test prompts.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    /// The parts of the prompt.
    pub parts: Vec<PromptPart>,
    /// Heads per layer.
    pub heads: usize,
    /// Mean share of every part, for head `layer · heads + head`.
    pub means: Vec<Vec<f64>>,
    /// Number of examples in the average.
    pub examples: usize,
}

impl AttentionPattern {
    /// Returns the share of each part for head `layer · heads + head`, in the order of [`PromptPart::all`].
    pub fn shares(&self, head: usize, demonstrations: usize) -> Vec<f64> {
        by_part(&self.tokens, &self.weights[head], demonstrations)
    }

    /// Returns the indices of the `count` tokens with the most attention, strongest first.
    pub fn strongest(&self, head: usize, count: usize) -> Vec<usize> {
        let weights = &self.weights[head];
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
        order.truncate(count);
        order
    }
}

impl Shares {
    /// Returns the total share of the demonstrations' label words, for head `layer · heads + head`.
    pub fn of_labels(&self, head: usize) -> f64 {
        let labels = self.parts.iter().zip(&self.means[head]);
        let labels = labels.filter(|(part, _)| matches!(part, PromptPart::Label(_)));
        labels.fold(0.0, |sum, (_, share)| sum + share)
    }
}

fn by_part(tokens: &[PromptToken], weights: &[f32], demonstrations: usize) -> Vec<f64> {
    let mut shares = vec![0.0; 2 * demonstrations + 3];
    for (token, &weight) in tokens.iter().zip(weights) {
        shares[token.part.index(demonstrations)] += f64::from(weight);
    }
    shares
}

/// Collects the attention of every layer: per prompt, `[H · layers][tokens]`.
struct Patterns(Vec<Vec<Vec<f32>>>);

impl Probe for Patterns {
    fn wants_pattern(&self, _: usize) -> bool {
        true
    }

    fn pattern(&mut self, _: usize, weights: Vec<Tensor>) -> Result<()> {
        self.0.resize(weights.len(), Vec::new());
        for (rows, weights) in self.0.iter_mut().zip(weights) {
            rows.extend(weights.to_vec2::<f32>()?);
        }
        Ok(())
    }
}

/// Returns the tokens of test prompt `example`, one for each weight of every head.
pub(super) fn tokens(
    tokenizer: &Tokenizer,
    rebuilt: &Rebuilt,
    example: usize,
    weights: &[Vec<f32>],
) -> Result<Vec<PromptToken>> {
    let tokens = prompt_parts::tokens(tokenizer, rebuilt, example)?;
    match weights.iter().find(|row| row.len() != tokens.len()) {
        Some(row) => Err(Error::Model(format!("{} attention weights for {} tokens", row.len(), tokens.len()))),
        None => Ok(tokens),
    }
}

/// Computes the attention of all heads on all test prompts and passes it to `take` in their order: the row of the prompt,
/// and a row of weights for each head, `layer · H + head`.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), a failed computation, or those of `take`.
pub(super) fn each_pattern(
    context: &RunContext<'_>,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Progress),
    mut take: impl FnMut(usize, &[Vec<f32>]) -> Result<()>,
) -> Result<()> {
    let (mut meter, mut row) = (Meter::start(context.len()), 0);
    let probe = || Patterns(Vec::new());
    context.watch(probe, cancel, |patterns, examples| {
        for weights in &patterns.0 {
            take(row, weights)?;
            row += 1;
        }
        observe(meter.advance(examples));
        Ok(())
    })
}

/// Computes the attention of all heads in test prompt `example`.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn attention_pattern(
    context: &RunContext<'_>,
    tokenizer: &Tokenizer,
    rebuilt: &Rebuilt,
    example: usize,
    cancel: &Cancel,
) -> Result<AttentionPattern> {
    let mut patterns = Patterns(Vec::new());
    context.run_one(example, &mut patterns, cancel)?;
    let weights = patterns.0.pop().unwrap_or_default();
    Ok(AttentionPattern {
        tokens: tokens(tokenizer, rebuilt, example, &weights)?,
        heads: context.shape().heads,
        weights,
    })
}

/// Computes the attention of all heads by part of the prompt, averaged over the test prompts.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn attention_shares(
    context: &RunContext<'_>,
    tokenizer: &Tokenizer,
    rebuilt: &Rebuilt,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Progress),
) -> Result<Shares> {
    let (shape, demonstrations) = (context.shape(), rebuilt.demonstrations);
    let parts = PromptPart::all(demonstrations);
    let mut sums = vec![vec![0.0; parts.len()]; shape.layers * shape.heads];
    each_pattern(context, cancel, observe, |row, weights| {
        let tokens = tokens(tokenizer, rebuilt, row, weights)?;
        for (sums, weights) in sums.iter_mut().zip(weights) {
            let shares = by_part(&tokens, weights, demonstrations);
            sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
        }
        Ok(())
    })?;
    let examples = context.len();
    sums.iter_mut().flatten().for_each(|sum| *sum /= examples as f64);
    Ok(Shares { parts, heads: shape.heads, means: sums, examples })
}
