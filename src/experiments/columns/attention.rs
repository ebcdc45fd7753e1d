//! Attention of the last token to the label words of the demonstrations.

use super::job::{ColumnJob, ColumnSpec, Found, RunSize, of_heads};
use crate::{
    analysis::atlas::Resamples,
    error::Result,
    experiments::{
        PromptPart, PromptToken,
        attention_pattern::{each_pattern, tokens as tokens_of},
    },
    progress::Progress,
    run::TaskMeta,
};

pub(super) const COLUMNS: &[ColumnSpec] = &[
    ColumnSpec {
        name: "attention_labels",
        unit: "share",
        source: "mean share of the last token's attention on the label words of the demonstrations",
    },
    ColumnSpec {
        name: "attention_gold",
        unit: "share",
        source: "mean share on the label words of demonstrations with the gold label, minus that on the others'",
    },
];

/// One pass over the test prompts.
pub(super) fn tokens(size: &RunSize) -> f64 {
    (size.prefix_tokens + size.own_tokens) as f64
}

pub(super) fn measure(
    job: &ColumnJob<'_>,
    _: &'static [ColumnSpec],
    observe: &mut dyn FnMut(Progress),
) -> Result<Found> {
    let (shape, demonstrations) = (job.context.shape(), job.rebuilt.demonstrations);
    if demonstrations == 0 {
        return Ok(Found::Absent("the prompts have no demonstrations".to_owned()));
    }
    if let Err(reason) = &job.rebuilt.layouts {
        return Ok(Found::Absent(reason.clone()));
    }
    let heads = shape.layers * shape.heads;
    let mut shares = vec![[Vec::new(), Vec::new()]; heads];
    let mut unknown = None;
    each_pattern(job.context, job.cancel, observe, |row, weights| {
        let tokens = tokens_of(&job.model.tokenizer, job.rebuilt, row, weights)?;
        match label_tokens(&tokens, demonstrations, &job.plan.task) {
            Ok(labels) => add(&mut shares, weights, &labels, job.context.gold[row]),
            Err(word) => unknown = Some(word),
        }
        Ok(())
    })?;
    if let Some(word) = unknown {
        return Ok(Found::Absent(format!("a demonstration shows `{word}`, which is no label word of the run")));
    }
    let resamples = Resamples::new(job.context.len());
    let column = |at: usize| of_heads(shape, |head| resamples.mean(&shares[head][at]));
    Ok(Found::Columns(vec![column(0), column(1)]))
}

/// Adds the shares of one prompt for every head: on all label words, and on those of the gold label minus the others.
fn add(shares: &mut [[Vec<f64>; 2]], weights: &[Vec<f32>], labels: &[(usize, usize)], gold: usize) {
    for (shares, weights) in shares.iter_mut().zip(weights) {
        let (mut all, mut difference) = (0.0, 0.0);
        for &(token, label) in labels {
            let weight = f64::from(weights[token]);
            all += weight;
            difference += if label == gold { weight } else { -weight };
        }
        shares[0].push(all);
        shares[1].push(difference);
    }
}

/// Returns the tokens of label words, each with the label that its demonstration shows.
///
/// # Errors
/// A word that is none of the labels'.
fn label_tokens(
    tokens: &[PromptToken],
    demonstrations: usize,
    task: &TaskMeta,
) -> std::result::Result<Vec<(usize, usize)>, String> {
    let mut found = Vec::new();
    for shown in 0..demonstrations {
        let own: Vec<usize> = (0..tokens.len()).filter(|&at| tokens[at].part == PromptPart::Label(shown)).collect();
        if own.is_empty() {
            continue; // dropped, as the prompt was too long
        }
        let word: String = own.iter().map(|&at| tokens[at].text.as_str()).collect();
        let at = task.label_words.iter().position(|known| known.trim() == word.trim());
        let label = at.map(|at| task.word_classes.as_ref().map_or(at, |classes| classes.of_word()[at]));
        let label = label.ok_or_else(|| word.trim().to_owned())?;
        found.extend(own.into_iter().map(|at| (at, label)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str, part: PromptPart) -> PromptToken {
        PromptToken { text: text.to_owned(), part }
    }

    #[test]
    fn label_words_of_several_tokens_belong_to_one_label() {
        let tokens = [
            token("good", PromptPart::Text(0)),
            token(" pos", PromptPart::Label(0)),
            token("itive", PromptPart::Label(0)),
            token(" negative", PromptPart::Label(2)),
            token("?", PromptPart::Query),
        ];
        let words = vec![" negative".to_owned(), " positive".to_owned()];
        let task = TaskMeta { label_words: words, ..TaskMeta::default() };
        assert_eq!(label_tokens(&tokens, 3, &task), Ok(vec![(1, 1), (2, 1), (3, 0)]));
        let other = TaskMeta { label_words: vec![" yes".to_owned(), " negative".to_owned()], ..TaskMeta::default() };
        assert_eq!(label_tokens(&tokens, 3, &other), Err("positive".to_owned()));
    }

    #[test]
    fn shares_by_hand() {
        let mut shares = vec![[Vec::new(), Vec::new()]];
        add(&mut shares, &[vec![0.5, 0.25, 0.125, 0.125]], &[(1, 0), (2, 1)], 1);
        assert_eq!(shares[0], [vec![0.375], vec![-0.125]]);
    }
}
