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
    words: WordProbabilities<'a>,
    /// Rows of the prompts in the test split.
    rows: Option<std::ops::Range<usize>>,
}

impl<'a> AnswerProbe<'a> {
    pub(super) const fn new(context: &'a RunContext<'a>, rows: Option<std::ops::Range<usize>>) -> Self {
        let labels = LabelLogits::new(context.decoder, &context.projection);
        Self { labels, words: WordProbabilities::new(context), rows }
    }

    pub(super) fn finish(self) -> Answer {
        let context = self.words.context;
        let class = |word: usize| context.word_classes.as_ref().map_or(word, |classes| classes.of_word()[word]);
        let of_gold = |(row, words): (usize, &[f64])| {
            words.iter().enumerate().filter(|(word, _)| class(*word) == context.gold[row]).map(|(_, own)| own).sum()
        };
        let rows = self.rows.unwrap_or_default();
        let right = rows.zip(self.words.words.chunks_exact(context.label_tokens.len())).map(of_gold).collect();
        Answer { logits: self.labels.logits, right }
    }
}

impl Probe for AnswerProbe<'_> {
    fn residual(&mut self, x: &Tensor) -> Result<()> {
        self.labels.residual(x)?;
        if self.rows.is_some() { self.words.residual(x) } else { Ok(()) }
    }
}

/// Probe for the probabilities of the label words among all tokens.
pub(super) struct WordProbabilities<'a> {
    context: &'a RunContext<'a>,
    /// `[B, W]`; empty until the end of the pass.
    pub(super) words: Vec<f64>,
}

impl<'a> WordProbabilities<'a> {
    pub(super) const fn new(context: &'a RunContext<'a>) -> Self {
        Self { context, words: Vec::new() }
    }

    /// Adds the probabilities of a prompt from its logits over all tokens, `[V]`.
    fn push(&mut self, logits: &[f32]) -> Result<()> {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f64 = logits.iter().map(|&logit| f64::from((logit - largest).exp())).sum();
        for &token in &self.context.label_tokens {
            let probability = f64::from((logits[token as usize] - largest).exp()) / total;
            if !probability.is_finite() {
                return Err(Error::Model("logits over the vocabulary are not finite numbers".to_owned()));
            }
            self.words.push(probability);
        }
        Ok(())
    }
}

impl Probe for WordProbabilities<'_> {
    fn residual(&mut self, x: &Tensor) -> Result<()> {
        let decoder = self.context.decoder;
        final_scale(decoder, x)?;
        let (normed, prompts) = (decoder.norm.forward(x)?, x.dim(0)?);
        for from in (0..prompts).step_by(PROMPTS) {
            let count = PROMPTS.min(prompts - from);
            let logits = decoder.unembedding.forward_exact(&normed.narrow(0, from, count)?.contiguous()?)?;
            let mut logits = (logits * decoder.logit_scale)?;
            if let Some(cap) = decoder.logit_softcap {
                logits = ((logits / cap)?.tanh()? * cap)?;
            }
            for logits in logits.to_vec2::<f32>()? {
                self.push(&logits)?;
            }
        }
        Ok(())
    }
}
