//! Attributes the prompts of a plan.

use std::collections::BTreeMap;

use super::{Event, Plan, PlannedExample, Prompts};
use crate::{
    attribution::{Attribution, Batch, Exactness, Split, argmax},
    cancel::Cancel,
    decompose::{BatchSize, LabelProjection, Prepared},
    error::Result,
    model::{Model, Prompt, Tokens},
    progress::{Meter, Progress},
    run::{AccuracyMeta, ExampleCounts, ExampleRecord, PromptMeta, Run, RunMeta, SCHEMA, Timing},
};

/// Attributes all prompts of a plan. Reports the plan, every batch, progress and the finished run's metadata to
/// `observe`. Does not use the store; [`obtain`](super::obtain) does.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled) between layers, or a failed computation. A run whose contributions do
/// not add up is not an error here; see its `exactness`.
pub fn execute(
    model: &Model,
    plan: Plan,
    prompts: &Prompts,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Event),
) -> Result<Run> {
    observe(Event::Planned(Box::new(plan.clone())));
    resume(model, plan, prompts, Vec::new(), cancel, observe)
}

/// Continues a run after `done` batches: the first ones that [`execute`] would compute, in order. Does not report the
/// plan.
pub(super) fn resume(
    model: &Model,
    plan: Plan,
    prompts: &Prompts,
    done: Vec<(Split, Batch)>,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Event),
) -> Result<Run> {
    let all = prompts.all();
    let before: usize = done.iter().map(|(_, batch)| batch.examples).sum();
    let mut meter = Meter::resume(all.len(), before);
    let mut tables = Split::ALL.map(|split| plan.table(split));
    for (split, batch) in done {
        tables[usize::from(split == Split::Test)].push(&batch);
        observe(Event::Batch(split, batch));
    }
    if before < all.len() {
        let projection = LabelProjection::new(&model.decoder, &plan.task.label_tokens)?.with_norms(&model.decoder)?;
        let left_out = plan.prompt.loo.is_some();
        let prepared = prepare(model, &plan, prompts, &projection, cancel)?;
        for (split, table) in Split::ALL.into_iter().zip(&mut tables) {
            let missing = &prompts.split(split)[table.len()..];
            let deliver = |batch: Batch| {
                table.push(&batch);
                let progress = meter.advance(batch.examples);
                observe(Event::Batch(split, batch));
                observe(Event::Progress(progress));
            };
            if split == Split::Train && left_out {
                attribute_each(&prepared, missing, cancel, deliver)?;
            } else {
                prepared.attribute(missing, BatchSize::default(), cancel, deliver)?;
            }
        }
    }
    let [train, test] = tables;
    let seconds = meter.seconds().max(f64::MIN_POSITIVE);
    let computed = train.len() + test.len() - before;
    let tokens: usize = all[before..].iter().map(Prompt::len).sum();
    let timing = Timing {
        load_s: model.load_seconds,
        attribute_s: seconds,
        examples_per_s: computed as f64 / seconds,
        tokens_per_s: tokens as f64 / seconds,
    };
    let exactness = train.exactness().merge(test.exactness());
    let run = complete(plan, prompts, (exactness, timing), [train, test]);
    observe(Event::Finished(Box::new(run.meta.clone())));
    Ok(run)
}

/// Computes what the prompts of a plan share.
pub(super) fn prepare<'a>(
    model: &'a Model,
    plan: &Plan,
    prompts: &Prompts,
    projection: &'a LabelProjection,
    cancel: &Cancel,
) -> Result<Prepared<'a>> {
    if plan.prompt.loo.is_none() {
        return Prepared::new(&model.decoder, projection, &prompts.all(), cancel);
    }
    let prefix = prompts.prefix(plan.prompt.prefix_tokens);
    Prepared::with_prefix(&model.decoder, projection, &prefix, &prompts.all(), cancel)
}

/// Attributes one prompt after the other, each after as much of the prepared prefix as it begins with.
fn attribute_each(
    prepared: &Prepared<'_>,
    prompts: &[Tokens],
    cancel: &Cancel,
    mut deliver: impl FnMut(Batch),
) -> Result<()> {
    prompts.iter().try_for_each(|prompt| {
        let shortened = prepared.shortened(prompt.shared())?;
        shortened.attribute(std::slice::from_ref(prompt), BatchSize::default(), cancel, &mut deliver)
    })
}

/// Assembles the run of `plan` from its prompts, measurements and tables (training split first).
pub(super) fn complete(
    plan: Plan,
    prompts: &Prompts,
    (exactness, timing): (Exactness, Timing),
    [train, test]: [Attribution; 2],
) -> Run {
    let shared = plan.prompt.prefix_tokens;
    let shared = (shared, plan.prompt.loo.is_some());
    let mut examples = records(Split::Train, plan.train, &train, prompts, shared);
    examples.extend(records(Split::Test, plan.test, &test, prompts, shared));
    let shared = shared.0;
    let meta = RunMeta {
        checksum: None,
        file_checksums: BTreeMap::new(),
        schema: SCHEMA,
        examples: ExampleCounts { train: train.len(), test: test.len() },
        accuracy: AccuracyMeta::measure(&test),
        exactness,
        timing,
        model: plan.model,
        task: plan.task,
        prompt: PromptMeta { prefix: prompts.prefix(shared), ..plan.prompt },
        selection: plan.selection,
        request: plan.request,
        hidden: None,
    };
    Run { meta, train, test, examples, hidden: None }
}

/// Computes the model's own logits of the label words `[N, W]` on the test prompts of a plan, for baselines that need no
/// components. `observe` receives the progress in prompts.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled) between layers, or a failed computation.
pub(super) fn score(
    model: &Model,
    plan: &Plan,
    prompts: &Prompts,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Progress),
) -> Result<Vec<f32>> {
    let projection = LabelProjection::new(&model.decoder, &plan.task.label_tokens)?;
    let prepared = Prepared::new(&model.decoder, &projection, &prompts.test, cancel)?;
    let mut logits = Vec::with_capacity(prompts.test.len() * plan.task.label_tokens.len());
    let mut meter = Meter::start(prompts.test.len());
    prepared.attribute(&prompts.test, BatchSize::default(), cancel, |batch| {
        logits.extend(batch.full);
        observe(meter.advance(batch.examples));
    })?;
    Ok(logits)
}

fn records(
    split: Split,
    examples: Vec<PlannedExample>,
    table: &Attribution,
    prompts: &Prompts,
    (shared, loo): (usize, bool),
) -> Vec<ExampleRecord> {
    let words = table.words();
    let predictions = table.full().chunks_exact(table.labels()).map(argmax);
    let rows = predictions.zip(words.full().chunks_exact(words.shape().labels)).zip(prompts.split(split));
    let own_shared = |prompt: &Tokens| (loo && split == Split::Train).then(|| prompt.shared());
    let record = |(example, ((full, logits), prompt)): (PlannedExample, ((usize, &[f32]), &Tokens))| ExampleRecord {
        id: example.id,
        split,
        text: example.text,
        gold: example.gold,
        full,
        logits: logits.to_vec(),
        tokens: prompt.suffix(own_shared(prompt).unwrap_or(shared)).to_vec(),
        shared: own_shared(prompt),
    };
    examples.into_iter().zip(rows).map(record).collect()
}
