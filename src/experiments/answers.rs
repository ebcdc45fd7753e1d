//! The probability of the right answer among all tokens.

use candle_core::Tensor;

use super::RunContext;
use crate::{
    decompose::{LabelLogits, final_scale},
    error::{Error, Result},
    model::Probe,
};

/// Prompts whose logits over the vocabulary are in memory at a time.
const PROMPTS: usize = 32;

/// Label logits of a batch at the end of a pass.
#[derive(Default)]
pub(super) struct Answer {
    /// Of the label words, `[B, W]`.
    pub(super) logits: Vec<f64>,
    /// Probability of the right answer over the vocabulary, `[B]`; empty if not measured.
    pub(super) right: Vec<f64>,
}

/// Probe for label logits, and if `rows` are given for the probability of the right answer.
pub(super) struct AnswerProbe<'a> {
    labels: LabelLogits<'a>,
    context: &'a RunContext<'a>,
    /// Rows of the prompts in the test split.
    rows: Option<std::ops::Range<usize>>,
    right: Vec<f64>,
}

impl<'a> AnswerProbe<'a> {
    pub(super) const fn new(context: &'a RunContext<'a>, rows: Option<std::ops::Range<usize>>) -> Self {
        let labels = LabelLogits::new(context.decoder, &context.projection);
        Self { labels, context, rows, right: Vec::new() }
    }

    pub(super) fn finish(self) -> Answer {
        Answer { logits: self.labels.logits, right: self.right }
    }
}

impl Probe for AnswerProbe<'_> {
    fn residual(&mut self, x: &Tensor) -> Result<()> {
        self.labels.residual(x)?;
        let (decoder, Some(rows)) = (self.context.decoder, &self.rows) else { return Ok(()) };
        final_scale(decoder, x)?;
        let normed = decoder.norm.forward(x)?;
        for from in (0..rows.len()).step_by(PROMPTS) {
            let count = PROMPTS.min(rows.len() - from);
            let logits = decoder.unembedding.forward_exact(&normed.narrow(0, from, count)?.contiguous()?)?;
            let mut logits = (logits * decoder.logit_scale)?;
            if let Some(cap) = decoder.logit_softcap {
                logits = ((logits / cap)?.tanh()? * cap)?;
            }
            for (at, logits) in logits.to_vec2::<f32>()?.iter().enumerate() {
                self.right.push(self.context.right_answer(rows.start + from + at, logits)?);
            }
        }
        Ok(())
    }
}

impl RunContext<'_> {
    /// Returns the probability of the gold label on the test prompt at `row`: the sum over its words, from all logits `[V]`.
    fn right_answer(&self, row: usize, logits: &[f32]) -> Result<f64> {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f64 = logits.iter().map(|&logit| f64::from((logit - largest).exp())).sum();
        let class = |word: usize| self.word_classes.as_ref().map_or(word, |classes| classes.of_word()[word]);
        let words = (0..self.label_tokens.len()).filter(|&word| class(word) == self.gold[row]);
        let right: f64 = words.map(|word| f64::from((logits[self.label_tokens[word] as usize] - largest).exp())).sum();
        let probability = right / total;
        if probability.is_finite() {
            return Ok(probability);
        }
        Err(Error::Model("logits over the vocabulary are not finite numbers".to_owned()))
    }
}
