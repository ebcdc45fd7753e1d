//! Results of one run of the protocol, for every method.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    component_hits::ComponentHits,
    prompted::{PromptedEvent, prompted},
};
use crate::{
    analysis::{
        Hits, Kind, Method, Thresholds,
        baseline::{BaselineOptions, MeasuresByMethod, Outcome, on_hidden, predictions_with},
        check,
        held_out::{HeldOutBest, halves, held_out_best},
        reweight::{comprw, comprw_released, partscope},
        summarize,
    },
    attribution::Attribution,
    cancel::Cancel,
    component::Shape,
    error::Result,
    model::Model,
    runner::{Event, Note, PromptBuilder, obtain, obtain_hidden},
    store::Store,
};

/// A row of `reproduce --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtocolRow {
    /// Name of the task.
    pub task: String,
    /// Name of the template.
    pub template: String,
    /// Seed of the demonstration set.
    pub demo_seed: u64,
    /// Whether the tables count it; a contrastive partner only serves the comparison of templates.
    pub counted: bool,
    /// Number of scored examples.
    pub n: usize,
    /// Number of examples that were left out because they are demonstrations or training examples word for word.
    pub leaked: usize,
    /// Number of scored examples with the content of another one.
    pub duplicates: usize,
    /// One over the number of labels.
    pub chance: f64,
    /// Accuracy by method.
    pub accuracy: BTreeMap<Method, f64>,
    /// The other measures by method.
    #[serde(flatten)]
    pub measures: MeasuresByMethod,
    /// Best single component, with held-out accuracy.
    pub held_out_best: Option<HeldOutBest>,
    /// Number of examples on which `label_biased` components were identified.
    pub label_biased_n: usize,
    /// Share of components by kind.
    pub share: Share,
    /// Largest relative deviation of the summed contributions from the logits.
    pub max_rel: f64,
    /// What the tables need besides.
    #[serde(skip)]
    pub details: RowDetails,
}

/// What tables over several rows need beyond the printed numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RowDetails {
    /// Name of the contrastive template, if any.
    pub contrast: Option<String>,
    /// Right predictions of every component.
    pub components: ComponentHits,
    /// The same on two disjoint halves of the examples.
    pub component_halves: [ComponentHits; 2],
    /// Per method, whether every prediction is right, `[N]`.
    pub hits: BTreeMap<Method, Hits>,
    /// Shape of the model; `None` only in a row without details.
    pub shape: Option<Shape>,
}

/// Share of components by kind; the others are neutral.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Good components.
    pub good: f64,
    /// Bad components.
    pub bad: f64,
    /// Label-biased components.
    pub label_biased: f64,
}

impl ProtocolRow {
    /// Runs the model, or reads its results from the store, and scores every method; those on hidden states if
    /// `with_hidden`.
    pub(super) fn measure(
        (seed, counted): (u64, bool),
        builder: &PromptBuilder<'_>,
        with_hidden: bool,
        model: &Model,
        store: &Store,
        cancel: &Cancel,
        note: &mut dyn FnMut(Note),
    ) -> Result<Self> {
        let (plan, prompts) = builder.plan(model)?;
        let again = with_hidden.then(|| plan.clone());
        let run = obtain(store, model, plan, &prompts, cancel, &mut |event| {
            if let Event::Note(from_store) = event {
                note(from_store);
            }
        })?;
        let builder = builder.without(run.meta.prompt.skipped());
        let mut predicted = prompted(&builder, &run, model, store, cancel, &mut |event| {
            if let PromptedEvent::Note(from_store) = event {
                note(from_store);
            }
        })?;
        let fits = [comprw(&run.train, cancel)?, comprw_released(&run.train, cancel)?, partscope(&run.train, cancel)?];
        predicted.extend(predictions_with(&run.train, &run.test, &fits, &BaselineOptions::default(), cancel)?);
        if let Some(plan) = again {
            check::trainable(&run.train, run.meta.task.class_names())?;
            let hidden = obtain_hidden(store, model, &plan, &prompts, cancel, &mut |_| {}, note)?;
            predicted.extend(on_hidden(&hidden, run.train.gold(), run.test.labels(), cancel)?);
        }
        let outcomes = Outcome::all(predicted, &run.test);
        let gold = run.test.gold();
        let hits: BTreeMap<Method, Hits> =
            outcomes.iter().map(|outcome| (outcome.method, Hits::new(&outcome.predictions, gold))).collect();
        Ok(Self {
            task: builder.task.name.clone(),
            template: builder.template.name.clone(),
            demo_seed: seed,
            counted,
            n: run.test.len(),
            leaked: run.meta.selection.as_ref().map_or(0, |selection| selection.leaked.len()),
            duplicates: run.meta.selection.as_ref().map_or(0, |selection| selection.duplicates),
            chance: 1.0 / run.test.labels() as f64,
            accuracy: hits.iter().map(|(&method, hits)| (method, hits.mean())).collect(),
            measures: MeasuresByMethod::new(&outcomes),
            held_out_best: held_out_best(&run.test),
            label_biased_n: run.test.len(),
            share: share(&run.test),
            max_rel: same_when_stored(run.meta.exactness.max_rel),
            details: RowDetails {
                contrast: builder.template.contrast.clone(),
                components: ComponentHits::new(&run.test),
                component_halves: halves(&run.test).map(|half| ComponentHits::new(&half)),
                hits,
                shape: Some(run.test.shape()),
            },
        })
    }
}

/// Returns a number of `run.json` so that it is the same whether the run was computed or read: the JSON library reads a
/// number with many digits as its neighbour now and then.
fn same_when_stored(number: f64) -> f64 {
    f64::from(number as f32)
}

fn share(table: &Attribution) -> Share {
    let components = summarize(table, &Thresholds::default());
    let share_of =
        |kind: Kind| components.iter().filter(|stats| stats.kind == kind).count() as f64 / components.len() as f64;
    Share { good: share_of(Kind::Good), bad: share_of(Kind::Bad), label_biased: share_of(Kind::LabelBiased) }
}
