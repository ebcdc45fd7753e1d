//! Attention on repeated random sequences: induction, previous-token and duplicate-token heads.
//!
//! Olsson et al. 2022 (*In-context Learning and Induction Heads*) repeat a sequence of random tokens. At a token of the second
//! copy an *induction head* attends to the token after the same one in the first copy (prefix matching). A *duplicate-token
//! head* attends to the same token in the first copy, a *previous-token head* to the token before (both named by Wang et al.
//! 2022, arXiv 2211.00593). Only the last token's attention is computed, so each sequence is cut at several places.

use super::job::{ColumnJob, ColumnSpec, Found, RunSize, of_heads};
use crate::{
    analysis::atlas::Resamples,
    cancel::Cancel,
    error::Result,
    experiments::{RunContext, attention_pattern::each_pattern},
    model::Prompt,
    progress::Progress,
    random::SeededRng,
    runner::Prompts,
};

pub(super) const COLUMNS: &[ColumnSpec] = &[
    ColumnSpec {
        name: "induction",
        unit: "share",
        source: "attention to the token after the same one in the first copy of a repeated random sequence (Olsson et al. 2022)",
    },
    ColumnSpec {
        name: "previous_token",
        unit: "share",
        source: "attention to the token before, in the second copy of a repeated random sequence (Olsson et al. 2022)",
    },
    ColumnSpec {
        name: "duplicate_token",
        unit: "share",
        source: "attention to the same token in the first copy of a repeated random sequence (Wang et al. 2022, arXiv 2211.00593)",
    },
];

/// Number of random sequences; intervals resample them.
const SEQUENCES: usize = 20;
/// Length of a sequence before it is repeated.
const PERIOD: usize = 25;
/// Tokens of the second copy, for each prompt of a sequence.
const CUTS: [usize; 4] = [6, 12, 18, 24];

pub(super) fn tokens(_: &RunSize) -> f64 {
    (SEQUENCES * CUTS.iter().map(|cut| PERIOD + cut + 1).sum::<usize>()) as f64
}

/// A prompt that ends within the second copy of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatedPrompt {
    /// Its token ids.
    pub tokens: Vec<u32>,
    /// Length of the sequence that is repeated; the prompt ends before the copy does.
    pub period: usize,
}

/// Attention of every head at the last token of every prompt, for head `layer · H + head`: `[heads][prompts]` each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RepetitionScores {
    /// To the token after the same one in the first copy.
    pub induction: Vec<Vec<f64>>,
    /// To the token before.
    pub previous: Vec<Vec<f64>>,
    /// To the same token in the first copy.
    pub duplicate: Vec<Vec<f64>>,
}

pub(super) fn measure(
    job: &ColumnJob<'_>,
    _: &'static [ColumnSpec],
    observe: &mut dyn FnMut(Progress),
) -> Result<Found> {
    let start = job.model.tokenizer.start();
    let needed = start.len() + PERIOD + CUTS[CUTS.len() - 1];
    let vocabulary = job.model.decoder.vocabulary()?;
    if job.model.decoder.context < needed || vocabulary < 2 * PERIOD {
        let reason = format!("a context of {needed} tokens and a vocabulary of {} are needed", 2 * PERIOD);
        return Ok(Found::Absent(reason));
    }
    let prompts = repeated(start, vocabulary);
    let scores = repetition_scores(job.context, &prompts, job.cancel, observe)?;
    let (shape, resamples) = (job.context.shape(), Resamples::new(SEQUENCES));
    let column = |scores: &[Vec<f64>]| {
        let by_sequence = |head: usize| -> Vec<f64> {
            scores[head].chunks(CUTS.len()).map(|own| own.iter().sum::<f64>() / own.len() as f64).collect()
        };
        of_heads(shape, |head| resamples.mean(&by_sequence(head)))
    };
    Ok(Found::Columns(vec![column(&scores.induction), column(&scores.previous), column(&scores.duplicate)]))
}

/// Draws sequences of distinct tokens, uniformly from the vocabulary, and repeats each up to every cut.
fn repeated(start: &[u32], vocabulary: usize) -> Vec<RepeatedPrompt> {
    let mut rng = SeededRng::stream(0, 23);
    let mut sequence = || {
        let mut own: Vec<u32> = Vec::with_capacity(PERIOD);
        while own.len() < PERIOD {
            let token = rng.below(vocabulary) as u32;
            if !own.contains(&token) && !start.contains(&token) {
                own.push(token);
            }
        }
        own
    };
    let cut = |own: &[u32], cut: usize| RepeatedPrompt { tokens: [start, own, &own[..cut]].concat(), period: PERIOD };
    (0..SEQUENCES)
        .flat_map(|_| {
            let own = sequence();
            CUTS.map(|at| cut(&own, at))
        })
        .collect()
}

/// Measures attention on `prompts` with the model of `context`.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or a failed computation.
pub fn repetition_scores(
    context: &RunContext<'_>,
    prompts: &[RepeatedPrompt],
    cancel: &Cancel,
    observe: &mut dyn FnMut(Progress),
) -> Result<RepetitionScores> {
    let heads = context.shape().layers * context.shape().heads;
    let test = prompts.iter().map(|prompt| prompt.tokens.clone().into()).collect();
    let own = Prompts { train: Vec::new(), test };
    let context = context.on_prompts(&own);
    let empty = || vec![Vec::with_capacity(prompts.len()); heads];
    let mut scores = RepetitionScores { induction: empty(), previous: empty(), duplicate: empty() };
    each_pattern(&context, cancel, observe, |row, weights| {
        let (last, period) = (own.test[row].len() - 1, prompts[row].period);
        for (head, weights) in weights.iter().enumerate() {
            scores.induction[head].push(f64::from(weights[last + 1 - period]));
            scores.previous[head].push(f64::from(weights[last - 1]));
            scores.duplicate[head].push(f64::from(weights[last - period]));
        }
        Ok(())
    })?;
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_token_has_one_copy_before_it_and_more_follow_the_first() {
        let prompts = repeated(&[1], 97);
        assert_eq!(prompts.len(), SEQUENCES * CUTS.len());
        for prompt in &prompts {
            let (last, tokens) = (prompt.tokens.len() - 1, &prompt.tokens);
            assert_eq!(tokens[last], tokens[last - prompt.period]);
            assert_eq!(tokens.iter().filter(|&token| *token == tokens[last]).count(), 2);
            assert!(last + 1 - prompt.period < last - 1, "the induction target is not the token before");
        }
        assert_eq!(prompts, repeated(&[1], 97));
    }
}
