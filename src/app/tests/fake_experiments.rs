//! Fake experiment results for tests.

use std::time::Duration;

use crate::{
    analysis::{Effects, Mix, logit_scores::logit_scores},
    attribution::{Attribution, Batch},
    experiments::{AttentionPattern, LogitLens, PromptPart, PromptToken, Rerun, Shares, Sweep, Word, reactions},
    jobs::{Experiment, ExperimentRequest, ExperimentResult, LayerScores},
};

/// A prompt with two demonstrations and a query.
const PROMPT: [(&str, PromptPart); 22] = [
    ("<s>", PromptPart::Start),
    ("Review", PromptPart::Text(0)),
    (":", PromptPart::Text(0)),
    (" two", PromptPart::Text(0)),
    (" hours", PromptPart::Text(0)),
    (" of", PromptPart::Text(0)),
    (" rain", PromptPart::Text(0)),
    ("\n", PromptPart::Text(0)),
    ("Sentiment:", PromptPart::Text(0)),
    (" negative", PromptPart::Label(0)),
    ("\n\n", PromptPart::Between),
    ("Review", PromptPart::Text(1)),
    (": sharp", PromptPart::Text(1)),
    (" and funny", PromptPart::Text(1)),
    ("\n", PromptPart::Text(1)),
    ("Sentiment:", PromptPart::Text(1)),
    (" positive", PromptPart::Label(1)),
    ("\n\n", PromptPart::Between),
    ("Review: a warm", PromptPart::Query),
    (" film", PromptPart::Query),
    ("\n", PromptPart::Query),
    ("Sentiment:", PromptPart::Query),
];

/// Returns a fixed result for an experiment.
pub(crate) fn result(request: &ExperimentRequest) -> ExperimentResult {
    let table = &request.table;
    match &request.experiment {
        Experiment::Cost(ablation) => ExperimentResult::Cost(*ablation, Duration::from_secs(13)),
        Experiment::Rerun(mix, ablation) => {
            let (model, direct) = (to_f64(table.full()), mix.logits(table));
            let total: Vec<f64> = direct.iter().zip(&model).map(|(direct, model)| 1.4 * direct - 0.4 * model).collect();
            let effects = Effects::new(table.gold(), table.labels(), &model, &direct, &total);
            let changed = with_reactions(table, mix);
            ExperimentResult::Rerun(Box::new(Rerun {
                ablation: *ablation,
                mix: mix.clone(),
                reactions: reactions(mix, table, &changed),
                table: changed,
                direct,
                total,
                effects,
            }))
        }
        Experiment::Sweep(ablation) => {
            let effects = (0..table.shape().components()).map(|component| ablated(table, component)).collect();
            ExperimentResult::Sweep(Sweep { ablation: *ablation, effects, examples: table.len(), answers: None })
        }
        Experiment::Attention(example) => ExperimentResult::Attention(*example, attention(table, *example)),
        Experiment::Shares => {
            let pattern = attention(table, 0);
            let means = (0..pattern.weights.len()).map(|head| pattern.shares(head, 2)).collect();
            ExperimentResult::Shares(Shares {
                parts: PromptPart::all(2),
                heads: pattern.heads,
                means,
                examples: table.len(),
            })
        }
        Experiment::LensByLayer => {
            let points = 2 * table.shape().layers;
            let (full, labels) = (to_f64(table.full()), table.labels());
            let point = |at: usize| -> Vec<f64> {
                let known = (at + 1) as f64 / points as f64;
                let biased = |(index, logit): (usize, &f64)| {
                    known * logit + if index.is_multiple_of(labels) { 2.0 * (1.0 - known) } else { 0.0 }
                };
                full.iter().enumerate().map(biased).collect()
            };
            let logits: Vec<Vec<f64>> = (0..points).map(point).collect();
            let own = logit_scores(&logits, table.gold(), labels);
            ExperimentResult::LensByLayer(LayerScores { own, examples: table.len() })
        }
        Experiment::LogitLens(example, component) => {
            let word = |(token, text): (u32, &str), logit: f64| Word { text: text.to_owned(), token, logit };
            let size = 1.0 + component.layer as f64 / 4.0;
            let promoted = [(7, " positive"), (9, " good"), (12, " fine"), (3, "!")];
            let suppressed = [(8, " negative"), (10, " bad"), (2, "\n"), (5, " the")];
            let side = |words: [(u32, &str); 4], sign: f64| {
                let words = words.into_iter().enumerate();
                words.map(|(at, of)| word(of, sign * size / (at + 1) as f64)).collect()
            };
            ExperimentResult::LogitLens(
                *example,
                LogitLens {
                    component: *component,
                    labels: vec![word((8, " negative"), -size), word((7, " positive"), size)],
                    promoted: side(promoted, 1.0),
                    suppressed: side(suppressed, -1.0),
                    mean: 0.01,
                },
            )
        }
    }
}

fn to_f64(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// Returns the attributions under `mix`, where later layers react with up to a tenth more.
fn with_reactions(table: &Attribution, mix: &Mix) -> Attribution {
    let shape = table.shape();
    let components = (0..shape.components()).flat_map(|index| {
        let factor = mix.weights[index] as f32 * (1.0 + 0.1 * shape.component(index).layer as f32 / 7.0);
        table.contribution(index).iter().map(move |value| value * factor)
    });
    let batch = Batch {
        examples: table.len(),
        components: components.collect(),
        rest: table.rest().to_vec(),
        full: table.full().to_vec(),
        norms: Vec::new(),
    };
    let mut changed = Attribution::new(shape, table.gold().to_vec());
    changed.push(&batch);
    changed
}

/// Returns the effects of ablating one component.
fn ablated(table: &Attribution, component: usize) -> Effects {
    let (model, own) = (to_f64(table.full()), table.contribution(component));
    let factor = if component.is_multiple_of(7) { -0.5 } else { 1.5 };
    let less =
        |times: f64| -> Vec<f64> { model.iter().zip(own).map(|(&full, &own)| full - times * f64::from(own)).collect() };
    Effects::new(table.gold(), table.labels(), &model, &less(1.0), &less(factor))
}

/// Returns attention weights that depend only on head, position and example.
fn attention(table: &Attribution, example: usize) -> AttentionPattern {
    let shape = table.shape();
    let row = |head: usize| {
        let raw = |at: usize| 1.0 + ((head * 7 + at * 13 + example) % 11) as f32;
        let boost = |at: usize| if at == (head + 9) % PROMPT.len() { 30.0 } else { 0.0 };
        let weights: Vec<f32> = (0..PROMPT.len()).map(|at| raw(at) + boost(at)).collect();
        let sum: f32 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    };
    AttentionPattern {
        tokens: PROMPT.iter().map(|&(text, part)| PromptToken { text: text.to_owned(), part }).collect(),
        heads: shape.heads,
        weights: (0..shape.layers * shape.heads).map(row).collect(),
    }
}
