//! Runs and logits with the store: loaded, resumed, or computed and stored.

use super::{
    Event, Note, Plan, Prompts,
    execute::{complete, execute, resume, score},
};
use crate::{
    attribution::Split,
    cancel::Cancel,
    error::{Error, Result},
    model::{Model, Prompt, Tokens},
    run::{ExampleCounts, Run},
    store::{About, EntryKey, KeyMaker, Store},
    text::printable,
};

/// Rows per batch when a stored run is replayed; a run is never copied whole.
const REPLAY_ROWS: usize = 4096;

/// Returns the run of `plan` from the store or the model. `observe` receives the same events either way, and notes
/// about the store.
///
/// Batches are stored as they are computed: after an interruption the next call resumes there and gives the same
/// bytes. Another process that needs the same run waits for this one. If the store cannot be written, a note says so.
///
/// # Errors
/// As [`execute`].
pub fn obtain(
    store: &Store,
    model: &Model,
    plan: Plan,
    prompts: &Prompts,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Event),
) -> Result<Run> {
    if store.root().is_none() {
        return execute(model, plan, prompts, cancel, observe);
    }
    observe(Event::Planned(Box::new(plan.clone())));
    let key = run_key(model, &plan, prompts);
    if let Some(run) = replay(store, &key, &plan, prompts, observe) {
        return Ok(run);
    }
    let lease = store.lease(&key, cancel, &mut || observe(Event::Note(Note::Waiting)));
    if let Some(run) = replay(store, &key, &plan, prompts, observe) {
        return Ok(run);
    }
    let partial = lease.and_then(|lease| Ok((lease, store.partial(&key, &about(&plan), plan.word_shape())?)));
    let (_lease, (mut partial, done)) = match partial {
        Ok(partial) => partial,
        Err(Error::Cancelled) => return Err(Error::Cancelled),
        Err(error) => {
            observe(Event::Note(Note::Unkept(reason(&error))));
            return resume(model, plan, prompts, Vec::new(), cancel, observe);
        }
    };
    let before: usize = done.iter().map(|(_, batch)| batch.examples).sum();
    if before > 0 {
        observe(Event::Note(Note::Resumed { done: before, total: plan.train.len() + plan.test.len() }));
    }
    let mut old = done.len();
    let run = resume(model, plan, prompts, done, cancel, &mut |event| {
        let mut stored = Ok(());
        match &event {
            Event::Batch(..) if old > 0 => old -= 1,
            Event::Batch(split, batch) => stored = partial.push(*split, batch),
            _ => {}
        }
        observe(event);
        if let Err(error) = stored {
            observe(Event::Note(Note::Unresumable(reason(&error))));
        }
    })?;
    drop(partial);
    if let Err(error) = store.keep_run(&key, &run) {
        observe(Event::Note(Note::Unkept(reason(&error))));
    }
    Ok(run)
}

/// Returns why the store cannot be written, with the options that help.
pub(super) fn reason(error: &Error) -> String {
    match error {
        Error::Write { path, source } => {
            let path = printable(&path.display().to_string()).into_owned();
            format!("cannot write {path}: {source}; choose another folder with --cache, or --no-cache")
        }
        other => other.to_string(),
    }
}

/// Describes an unfinished run for listings of the store.
fn about(plan: &Plan) -> About {
    About {
        model: plan.model.clone(),
        task: plan.task.clone(),
        prompt: plan.prompt.clone(),
        examples: ExampleCounts { train: plan.train.len(), test: plan.test.len() },
        request: plan.request.clone(),
        done: 0,
    }
}

/// Returns the model's own label logits `[N, Y]` on the test prompts of `plan`, from the store or the model. `observe`
/// receives problems of the store and the progress in prompts.
///
/// # Errors
/// As [`execute`].
pub fn obtain_logits(
    store: &Store,
    model: &Model,
    plan: &Plan,
    prompts: &Prompts,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Event),
) -> Result<Vec<f32>> {
    let words = obtain_word_logits(store, model, plan, prompts, cancel, observe)?;
    Ok(match &plan.task.word_classes {
        Some(classes) => classes.reduce_f32(&words),
        None => words,
    })
}

/// Returns the model's own logits of the label words, `[N, W]`.
fn obtain_word_logits(
    store: &Store,
    model: &Model,
    plan: &Plan,
    prompts: &Prompts,
    cancel: &Cancel,
    observe: &mut dyn FnMut(Event),
) -> Result<Vec<f32>> {
    if store.root().is_none() {
        return score(model, plan, prompts, cancel, &mut |progress| observe(Event::Progress(progress)));
    }
    let key = key("logits", model, plan, &[], &prompts.test);
    let stored = |observe: &mut dyn FnMut(Event)| {
        let damaged = &mut |problem| observe(Event::Note(Note::Damaged(problem)));
        store.logits(&key, prompts.test.len() * plan.task.label_tokens.len(), damaged)
    };
    if let Some(logits) = stored(observe) {
        return Ok(logits);
    }
    let lease = store.lease(&key, cancel, &mut || {});
    cancel.check()?;
    if let Some(logits) = stored(observe) {
        return Ok(logits);
    }
    let logits = score(model, plan, prompts, cancel, &mut |progress| observe(Event::Progress(progress)))?;
    if let Err(error) = lease.and_then(|_lease| store.keep_logits(&key, &logits)) {
        observe(Event::Note(Note::Unkept(reason(&error))));
    }
    Ok(logits)
}

/// Returns the key of a run in the store.
pub fn run_key(model: &Model, plan: &Plan, prompts: &Prompts) -> EntryKey {
    let kind = if plan.prompt.loo.is_some() { "run loo" } else { "run" };
    key(kind, model, plan, &prompts.train, &prompts.test)
}

/// Hashes the model and how it computes, all tokens and the gold labels, but no names.
pub(super) fn key(kind: &str, model: &Model, plan: &Plan, train: &[Tokens], test: &[Tokens]) -> EntryKey {
    let maker = KeyMaker::new(kind).text(&model.identity).text(&format!("{:?}", plan.word_shape()));
    let maker = maker.numbers(plan.task.label_tokens.iter().map(|&token| u64::from(token)));
    let maker = plan.task.word_classes.iter().fold(maker, |maker, classes| maker.text(&format!("{classes:?}")));
    let gold = |split| plan.gold(split).into_iter().map(|label| label as u64);
    let maker = maker.numbers(gold(Split::Train)).numbers(gold(Split::Test));
    let maker = maker.numbers([train.len() as u64, test.len() as u64].into_iter());
    let tokens = |prompt: &Tokens| prompt.tokens().map(u64::from).collect::<Vec<u64>>();
    let prompts = train.iter().chain(test);
    prompts.fold(maker, |maker, prompt| maker.numbers(tokens(prompt).into_iter())).finish()
}

/// Returns the stored run with the names of `plan` and its `prompts`, and reports it as if it were computed.
fn replay(
    store: &Store,
    key: &EntryKey,
    plan: &Plan,
    prompts: &Prompts,
    observe: &mut dyn FnMut(Event),
) -> Option<Run> {
    let stored = store.run(key, &mut |problem| observe(Event::Note(Note::Damaged(problem))))?;
    let fits = |split| {
        let table = stored.split(split);
        let classes = table.word_classes() == plan.task.word_classes.as_ref();
        table.len() == plan.split(split).len() && table.words().shape() == plan.word_shape() && classes
    };
    if !Split::ALL.into_iter().all(fits) {
        return None;
    }
    observe(Event::Note(Note::Kept));
    let Run { meta, train, test, .. } = stored;
    let run = complete(plan.clone(), prompts, (meta.exactness, meta.timing), [train, test]);
    for split in Split::ALL {
        let table = run.split(split);
        for from in (0..table.len()).step_by(REPLAY_ROWS) {
            observe(Event::Batch(split, table.batch(from..table.len().min(from + REPLAY_ROWS))));
        }
    }
    observe(Event::Finished(Box::new(run.meta.clone())));
    Some(run)
}
