//! The worker that owns the model.
//!
//! It takes runs, newest first, and questions ([`Query`]) that never interrupt one: a question waits in a slot, where a
//! newer one takes its place, and is answered between two batches of a run or at once if there is none.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Tagged, Worker};
use crate::{
    cancel::Cancel,
    error::{Error, Result},
    model::{LoadOptions, Model, Source},
    runner::{Event, Query, QueryAnswer, RunRequest, answer, obtain, plan},
    store::Store,
};

/// A model that several workers use; whoever needs it first loads it. Copies share their weights.
#[derive(Clone, Debug, Default)]
pub struct SharedModel(Arc<Mutex<Option<Model>>>);

impl SharedModel {
    /// The model, loaded now if it was not yet; `loading` is told before that.
    pub(super) fn get(&self, source: &Source, options: &LoadOptions, loading: impl FnOnce()) -> Result<Model> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = &*slot {
            return Ok(model.clone());
        }
        loading();
        Ok(slot.insert(Model::load(source, options)?).clone())
    }
}

/// An event of the model's worker.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelEvent {
    /// Of a run. A question that is a job of its own emits such events too if the model cannot be loaded.
    Run(Event),
    /// The answer to a question.
    Answer(Box<QueryAnswer>),
    /// A question could not be answered: its number, and why.
    NoAnswer(u64, String),
}

/// What the worker's thread is woken for.
#[derive(Debug)]
enum Job {
    Run(RunRequest),
    Answer,
}

type Slot = Arc<Mutex<Option<Query>>>;

/// The handle of the worker.
#[derive(Debug)]
pub struct ModelWorker {
    worker: Worker<Job>,
    slot: Slot,
}

impl ModelWorker {
    /// Asks for a run, which replaces the one under way; its events carry `generation`.
    pub fn run(&mut self, generation: u64, request: RunRequest) {
        self.worker.submit(generation, Job::Run(request));
    }

    /// Asks a question, which replaces the one before. If a run is under way, it is answered between two of its batches;
    /// if the run ends before that, ask again. Otherwise it is a job of its own, whose generation is its number.
    pub fn ask(&mut self, query: Query, during_run: bool) {
        let serial = query.serial;
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(query);
        if !during_run {
            self.worker.submit(serial, Job::Answer);
        }
    }

    /// Stops the run, if one is under way.
    pub fn cancel(&self) {
        self.worker.cancel();
    }
}

/// Starts the thread that loads `source` at its first request, into `shared`, and does what it is asked
/// for, runs through `store`.
///
/// # Errors
/// If the system gives no thread.
pub fn model_worker(
    source: Source,
    options: LoadOptions,
    store: Store,
    shared: SharedModel,
    listen: impl Fn(Tagged<ModelEvent>) + Send + 'static,
) -> io::Result<ModelWorker> {
    let slot = Slot::default();
    let inbox = slot.clone();
    let work = move |model: &mut Option<Model>, job: Job, cancel: &Cancel, emit: &mut dyn FnMut(ModelEvent)| {
        let outcome = load(model, (&source, &options, &shared), emit).and_then(|model| match job {
            Job::Run(request) => attribute((model, &store), &request, cancel, &inbox, emit),
            Job::Answer => {
                answer_waiting(model, &inbox, cancel, emit);
                Ok(())
            }
        });
        match outcome {
            Ok(()) => {}
            Err(Error::Cancelled) => emit(ModelEvent::Run(Event::Cancelled)),
            Err(error) => emit(ModelEvent::Run(Event::Failed(error.to_string()))),
        }
    };
    let failed = |why| ModelEvent::Run(Event::Failed(why));
    Ok(ModelWorker { worker: Worker::spawn("model", || None, work, failed, listen)?, slot })
}

fn load<'m>(
    model: &'m mut Option<Model>,
    (source, options, shared): (&Source, &LoadOptions, &SharedModel),
    emit: &mut dyn FnMut(ModelEvent),
) -> Result<&'m Model> {
    match model {
        Some(model) => Ok(model),
        empty => {
            let loading = || emit(ModelEvent::Run(Event::Loading(source.to_string())));
            Ok(empty.insert(shared.get(source, options, loading)?))
        }
    }
}

fn attribute(
    (model, store): (&Model, &Store),
    request: &RunRequest,
    cancel: &Cancel,
    inbox: &Slot,
    emit: &mut dyn FnMut(ModelEvent),
) -> Result<()> {
    cancel.check()?;
    let (plan, prompts) = plan(model, request)?;
    cancel.check()?;
    let mut observe = |event: Event| {
        let between = matches!(event, Event::Batch(..));
        emit(ModelEvent::Run(event));
        if between {
            answer_waiting(model, inbox, cancel, emit);
        }
    };
    obtain(store, model, plan, &prompts, cancel, &mut observe).map(drop)
}

/// Answers the question that waits, if one does. A question that was replaced meanwhile goes unanswered.
fn answer_waiting(model: &Model, inbox: &Slot, cancel: &Cancel, emit: &mut dyn FnMut(ModelEvent)) {
    let waiting = inbox.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(ask) = waiting else { return };
    match answer(model, &ask, cancel) {
        Ok(answer) => emit(ModelEvent::Answer(Box::new(answer))),
        Err(Error::Cancelled) => {}
        Err(error) => emit(ModelEvent::NoAnswer(ask.serial, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Receiver, channel},
        time::Duration,
    };

    use super::*;
    use crate::{attribution::argmax, runner::Demonstration, task::Library};

    fn worker() -> (ModelWorker, Receiver<Tagged<ModelEvent>>) {
        let (listen, events) = channel();
        let worker =
            model_worker(Source::Demo, LoadOptions::default(), Store::none(), SharedModel::default(), move |event| {
                drop(listen.send(event));
            });
        (worker.unwrap(), events)
    }

    fn next_answer(events: &Receiver<Tagged<ModelEvent>>) -> QueryAnswer {
        loop {
            match events.recv_timeout(Duration::from_secs(60)).unwrap().event {
                ModelEvent::Answer(answer) => return *answer,
                ModelEvent::NoAnswer(_, why) | ModelEvent::Run(Event::Failed(why)) => panic!("{why}"),
                ModelEvent::Run(_) => {}
            }
        }
    }

    fn ask(serial: u64, text: &str) -> Query {
        let task = Arc::new(Library.task("sentiment").unwrap());
        let demos = task.pool.iter().take(3).map(|example| Demonstration::of_pool(&example.id)).collect();
        Query { serial, template: None, demos, text: text.to_owned(), task }
    }

    #[test]
    fn a_text_is_measured_and_classified_like_the_example_of_a_run() {
        let (mut worker, events) = worker();
        let task = Library.task("sentiment").unwrap();
        let text = task.test[0].summary();
        worker.ask(ask(1, ""), false);
        let measured = next_answer(&events);
        assert!(measured.table.is_none() && measured.demo_tokens.len() == 3);
        assert!(measured.prompt.ends_with(&task.templates[0].render(&task.test[0]).unwrap()));
        assert!(measured.demo_tokens.iter().sum::<usize>() < measured.tokens && measured.tokens < measured.context);
        worker.ask(ask(2, &text), false);
        let classified = next_answer(&events);
        let table = classified.table.unwrap();
        assert_eq!((classified.serial, classified.tokens, table.len()), (2, measured.tokens, 1));
        assert!(argmax(table.full()) < 2 && table.exactness().max_rel < 1e-4);
    }

    #[test]
    fn a_question_is_answered_in_the_middle_of_a_run() {
        let (mut worker, events) = worker();
        worker.run(1, RunRequest { limit: Some(200), ..RunRequest::default() });
        while !matches!(events.recv_timeout(Duration::from_secs(60)).unwrap().event, ModelEvent::Run(Event::Planned(_)))
        {
        }
        worker.ask(ask(9, "fine"), true);
        assert_eq!(next_answer(&events).serial, 9);
        let ends = |event| matches!(event, ModelEvent::Run(Event::Finished(_)));
        while !ends(events.recv_timeout(Duration::from_secs(60)).unwrap().event) {}
    }

    #[test]
    fn what_cannot_be_answered_is_said_with_its_number() {
        let (mut worker, events) = worker();
        worker.ask(Query { demos: vec![Demonstration::of_pool("nobody")], ..ask(4, "fine") }, false);
        loop {
            match events.recv_timeout(Duration::from_secs(60)).unwrap().event {
                ModelEvent::Run(_) => {}
                ModelEvent::NoAnswer(4, why) => return assert!(why.contains("nobody"), "{why}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
