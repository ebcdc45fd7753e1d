//! From prompts to a run.

use super::{Event, Plan, PlannedExample, Prompts};
use crate::{
    attribution::{Attribution, Split, argmax},
    cancel::Cancel,
    decompose::{BatchSize, LabelProjection, Prepared},
    error::Result,
    model::Model,
    progress::Meter,
    run::{AccuracyMeta, ExampleCounts, ExampleRecord, Run, RunMeta, SCHEMA, Timing},
};

/// Attributes all prompts of a plan and tells `observe` about it as it goes: the plan itself, every batch, progress,
/// and the finished run's facts.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled) between layers, or a failed computation. A run whose parts do not add
/// up is no error here: its `exactness` says so.
pub fn execute(
    model: &Model,
    plan: Plan,
    prompts: &Prompts,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Event),
) -> Result<Run> {
    observe(Event::Planned(Box::new(plan.clone())));
    let all = prompts.all();
    let mut meter = Meter::start(all.len());
    let projection = LabelProjection::new(&model.decoder, &plan.task.label_tokens)?;
    let prepared = Prepared::new(&model.decoder, &projection, &all, cancel)?;
    let mut fill = |split: Split| -> Result<Attribution> {
        let mut table = Attribution::new(plan.shape, plan.gold(split));
        prepared.attribute(prompts.split(split), BatchSize::default(), cancel, |batch| {
            table.push(&batch);
            let progress = meter.advance(batch.examples);
            observe(Event::Batch(split, batch));
            observe(Event::Progress(progress));
        })?;
        Ok(table)
    };
    let (train, test) = (fill(Split::Train)?, fill(Split::Test)?);
    let tokens: usize = all.iter().map(|prompt| prompt.len()).sum();
    let seconds = meter.seconds();
    let meta = RunMeta {
        schema: SCHEMA,
        examples: ExampleCounts { train: train.len(), test: test.len() },
        accuracy: AccuracyMeta::measure(&test),
        exactness: train.exactness().merge(test.exactness()),
        timing: Timing {
            load_s: model.load_seconds,
            attribute_s: seconds,
            examples_per_s: all.len() as f64 / seconds,
            tokens_per_s: tokens as f64 / seconds,
        },
        model: plan.model,
        task: plan.task,
        prompt: plan.prompt,
        request: plan.request,
    };
    observe(Event::Finished(Box::new(meta.clone())));
    let mut examples = records(Split::Train, plan.train, &train);
    examples.extend(records(Split::Test, plan.test, &test));
    Ok(Run { meta, train, test, examples })
}

/// The model's own label logits `[N, Y]` on the test prompts of a plan: for baselines that need no components.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled) between layers, or a failed computation.
pub fn score(model: &Model, plan: &Plan, prompts: &Prompts, cancel: &Cancel) -> Result<Vec<f32>> {
    let projection = LabelProjection::new(&model.decoder, &plan.task.label_tokens)?;
    let prepared = Prepared::new(&model.decoder, &projection, &prompts.test, cancel)?;
    let mut logits = Vec::with_capacity(prompts.test.len() * plan.shape.labels);
    prepared.attribute(&prompts.test, BatchSize::default(), cancel, |batch| logits.extend(batch.full))?;
    Ok(logits)
}

fn records(split: Split, examples: Vec<PlannedExample>, table: &Attribution) -> Vec<ExampleRecord> {
    let rows = table.full().chunks_exact(table.labels());
    let record = |(example, logits): (PlannedExample, &[f32])| ExampleRecord {
        id: example.id,
        split,
        text: example.text,
        gold: example.gold,
        full: argmax(logits),
        logits: logits.to_vec(),
    };
    examples.into_iter().zip(rows).map(record).collect()
}
