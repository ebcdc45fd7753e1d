//! Hidden states of the prompts of a run, from the store or the model.

use super::{
    Note, Plan, Prompts,
    execute::prepare,
    stored::{key, reason},
};
use crate::{
    attribution::Split,
    cancel::Cancel,
    decompose::{BatchSize, LabelProjection, hidden_meta},
    error::Result,
    hidden::Hidden,
    model::{Model, Tokens},
    progress::{Meter, Progress},
    store::{EntryKey, Store},
};

/// Returns the key of the hidden states of a run in the store.
pub fn hidden_key(model: &Model, plan: &Plan, prompts: &Prompts) -> EntryKey {
    let kind = if plan.prompt.loo.is_some() { "hidden loo" } else { "hidden" };
    key(kind, model, plan, &prompts.train, &prompts.test)
}

/// Returns the hidden states of the prompts of `plan`. The model computes them in a pass of their own, so that a stored
/// run without them is completed, not computed again. `observe` receives progress, `note` problems of the store.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled) between layers, or a failed computation.
pub fn obtain_hidden(
    store: &Store,
    model: &Model,
    plan: &Plan,
    prompts: &Prompts,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Progress),
    note: &mut dyn FnMut(Note),
) -> Result<Hidden> {
    let meta = hidden_meta(&model.decoder)?;
    let key = hidden_key(model, plan, prompts);
    let split = |all: Vec<f32>| {
        let mut train = all;
        let test = train.split_off(prompts.train.len() * meta.values());
        Hidden { meta, values: [train, test] }
    };
    let expected = prompts.all().len() * meta.values();
    let mut stored = || store.logits(&key, expected, &mut |problem| note(Note::Damaged(problem)));
    if let Some(values) = stored() {
        return Ok(split(values));
    }
    let lease = store.lease(&key, cancel, &mut || {});
    cancel.check()?;
    if let Some(values) = stored() {
        return Ok(split(values));
    }
    let projection = LabelProjection::new(&model.decoder, &plan.task.label_tokens)?;
    let prepared = prepare(model, plan, prompts, &projection, cancel)?;
    let mut meter = Meter::start(prompts.all().len());
    let mut values = Vec::with_capacity(expected);
    let mut deliver = |(batch, examples): (Vec<f32>, usize)| {
        values.extend(batch);
        observe(meter.advance(examples));
    };
    let size = BatchSize::default();
    let own = |prompts: &[Tokens], deliver: &mut dyn FnMut((Vec<f32>, usize))| {
        prompts.iter().try_for_each(|prompt| {
            let shortened = prepared.shortened(prompt.shared())?;
            shortened.hidden(std::slice::from_ref(prompt), size, cancel, &mut *deliver)
        })
    };
    for part in Split::ALL {
        if part == Split::Train && plan.prompt.loo.is_some() {
            own(prompts.split(part), &mut deliver)?;
        } else {
            prepared.hidden(prompts.split(part), size, cancel, &mut deliver)?;
        }
    }
    if let Err(error) = lease.and_then(|_lease| store.keep_logits(&key, &values)) {
        note(Note::Unkept(reason(&error)));
    }
    Ok(split(values))
}
