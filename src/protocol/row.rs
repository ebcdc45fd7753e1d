//! One run of the protocol with every method on it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cell::ProtocolCell;
use crate::{
    analysis::{
        Kind, Method, Thresholds,
        baseline::{BaselineOptions, contextual_calibration, outcomes},
        held_out::{HeldOutBest, halves, held_out_best},
        predict::predictions,
        summarize,
    },
    attribution::Attribution,
    cancel::Cancel,
    error::Result,
    model::Model,
    runner::{PromptBuilder, obtain, obtain_logits},
    store::Store,
};

/// A row of `reproduce --json`.
#[derive(Clone, Debug, Serialize)]
pub struct ProtocolRow {
    /// Task.
    pub task: String,
    /// Template.
    pub template: String,
    /// Which demonstration set.
    pub demo_seed: u64,
    /// Whether the tables count it; a contrasting partner only serves the contrast.
    pub counted: bool,
    /// Scored examples.
    pub n: usize,
    /// One over the number of labels.
    pub chance: f64,
    /// Share of scored examples that each method gets right.
    pub accuracy: BTreeMap<Method, f64>,
    /// Best single component, scored where it was not chosen.
    pub held_out_best: Option<HeldOutBest>,
    /// Examples that every `label_biased` component gives one label.
    pub label_biased_n: usize,
    /// Share of components by kind.
    pub share: Share,
    /// Largest relative deviation of the parts from the logits.
    pub max_rel: f64,
    /// The template it contrasts with.
    #[serde(skip)]
    pub(super) contrast: Option<String>,
    /// Accuracy of every component, in the order of the model's shape.
    #[serde(skip)]
    pub(super) components: Vec<f64>,
    /// The same on two disjoint halves.
    #[serde(skip)]
    pub(super) component_halves: [Vec<f64>; 2],
    /// Per method, 1 for every scored example that it gets right and 0 for the others.
    #[serde(skip)]
    pub(super) hits: BTreeMap<Method, Vec<f64>>,
    /// The model's components.
    #[serde(skip)]
    pub(super) shape: crate::component::Shape,
}

/// Share of components by kind; the others are neutral.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Dependent on the gold labels, for the better.
    pub good: f64,
    /// Dependent on the gold labels, for the worse.
    pub bad: f64,
    /// One label on every example.
    pub label_biased: f64,
}

impl ProtocolRow {
    /// Asks the model (or the store) and scores every method.
    pub(super) fn measure(
        cell: &ProtocolCell<'_>,
        draft: &PromptBuilder<'_>,
        model: &Model,
        store: &Store,
        cancel: &Cancel,
    ) -> Result<Self> {
        let (plan, prompts) = draft.plan(model)?;
        let run = obtain(store, model, plan, &prompts, cancel, &mut |_| {})?;
        let draft = draft.without(run.meta.prompt.skipped());
        let logits = |draft: Result<(_, _)>| -> Result<Vec<f32>> {
            let (plan, prompts) = draft?;
            obtain_logits(store, model, &plan, &prompts, cancel)
        };
        let labels = run.test.labels();
        let whole = predictions(&logits(draft.whole_budget().plan(model))?, labels);
        let nearest = predictions(&logits(draft.plan_nearest(model))?, labels);
        let content_free = logits(draft.plan_content_free(model))?;
        let contextual = contextual_calibration(&content_free, &run.test);
        let mut predicted =
            vec![(Method::StandardK, whole), (Method::Prompts, nearest), (Method::Contextual, contextual)];
        let outcomes = outcomes(&run.train, &run.test, &BaselineOptions::default(), cancel)?;
        predicted.extend(outcomes.into_iter().map(|outcome| (outcome.method, outcome.predictions)));
        let hits: BTreeMap<Method, Vec<f64>> =
            predicted.into_iter().map(|(method, predicted)| (method, hits(&predicted, run.test.gold()))).collect();
        Ok(Self {
            task: cell.task.name.clone(),
            template: cell.template.name.clone(),
            demo_seed: cell.seed,
            counted: cell.counted,
            n: run.test.len(),
            chance: run.meta.accuracy.chance,
            accuracy: hits.iter().map(|(&method, hits)| (method, mean(hits))).collect(),
            held_out_best: held_out_best(&run.test),
            label_biased_n: run.test.len(),
            share: share(&run.test),
            max_rel: run.meta.exactness.max_rel,
            contrast: cell.template.contrast.clone(),
            components: accuracies(&run.test),
            component_halves: halves(&run.test).map(|half| accuracies(&half)),
            hits,
            shape: run.test.shape(),
        })
    }
}

fn hits(predicted: &[usize], gold: &[usize]) -> Vec<f64> {
    predicted.iter().zip(gold).map(|(p, y)| f64::from(u8::from(p == y))).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn accuracies(table: &Attribution) -> Vec<f64> {
    crate::analysis::Tally::of(table).accuracies()
}

fn share(table: &Attribution) -> Share {
    let components = summarize(table, &Thresholds::default());
    let of = |kind: Kind| components.iter().filter(|stats| stats.kind == kind).count() as f64 / components.len() as f64;
    Share { good: of(Kind::Good), bad: of(Kind::Bad), label_biased: of(Kind::LabelBiased) }
}
