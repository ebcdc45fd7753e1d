//! Worker that owns the model.
//!
//! It takes runs, newest first, and queries ([`Query`]), which never interrupt a run. A pending query is replaced by a
//! newer one. It is answered between two batches of a run, or at once if no run is in progress.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::{Tagged, Worker};
use crate::{
    cancel::Cancel,
    error::{Error, Result},
    model::{
        LoadObserver, LoadOptions, Model, Source, describe_loading,
        hub::{Download, Watcher},
    },
    runner::{Event, Note, PromptBuilder, Query, QueryAnswer, RunRequest, answer, obtain},
    store::Store,
    task::Library,
};

/// A model shared by several workers and loaded on first use. Clones share the weights.
#[derive(Clone, Debug, Default)]
pub struct SharedModel(Arc<Mutex<Option<Model>>>);

impl SharedModel {
    /// Returns the model and loads it if necessary; `loading` gets the model's name, then texts that describe progress.
    pub(super) fn get(&self, source: &Source, options: &LoadOptions, loading: &mut dyn FnMut(String)) -> Result<Model> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(model) = &*slot {
            return Ok(model.clone());
        }
        loading(source.to_string());
        Ok(slot.insert(load_with_progress(source, options, loading)?).clone())
    }
}

/// Time between two descriptions of progress.
const UPDATE_INTERVAL: Duration = Duration::from_millis(100);

/// Loads a model on a thread of its own; `show` gets descriptions of the download and of loading.
fn load_with_progress(source: &Source, options: &LoadOptions, show: &mut dyn FnMut(String)) -> Result<Model> {
    let (download, receiver) = mpsc::channel();
    let (loading, name, started) = (download.clone(), source.to_string(), Instant::now());
    let watcher = Watcher::new(move |file: &Download<'_>| {
        let _ = download.send(file.to_string());
    });
    let observer = LoadObserver::new(move |done, total| {
        let _ = loading.send(format!("{name}: {}", describe_loading(done, total, started.elapsed())));
    });
    let options = LoadOptions { watcher, observer, ..options.clone() };
    thread::scope(|scope| {
        let loader = scope.spawn(move || Model::load(source, &options));
        let mut due = Instant::now() + UPDATE_INTERVAL;
        for text in receiver {
            if Instant::now() >= due {
                show(text);
                due = Instant::now() + UPDATE_INTERVAL;
            }
        }
        loader.join().unwrap_or_else(|_| Err(Error::Model("loading the model failed".to_owned())))
    })
}

/// An event of the model worker.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelEvent {
    /// An event of a run. A query outside a run also emits these while the model loads, or if it cannot be loaded.
    Run(Event),
    /// The answer to a query.
    Answer(Box<QueryAnswer>),
    /// A failed query: its serial number and the error message.
    NoAnswer(u64, String),
}

/// A job of the model thread.
#[derive(Debug)]
enum Job {
    Run(RunRequest),
    AnswerQuery,
}

type Slot = Arc<Mutex<Option<Query>>>;

/// Handle of the model worker.
#[derive(Debug)]
pub struct ModelWorker {
    worker: Worker<Job>,
    slot: Slot,
}

impl ModelWorker {
    /// Starts a run and cancels the current one; its events carry `generation`.
    pub fn run(&mut self, generation: u64, request: RunRequest) {
        self.worker.submit(generation, Job::Run(request));
    }

    /// Submits a query, which replaces the pending one. With `during_run`, it is answered between two batches of the
    /// run; if the run ends first, submit it again. Otherwise it is a job of its own, and its serial number is the
    /// generation.
    pub fn ask(&mut self, query: Query, during_run: bool) {
        let serial = query.serial;
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(query);
        if !during_run {
            self.worker.submit(serial, Job::AnswerQuery);
        }
    }

    /// Cancels the current run.
    pub fn cancel(&self) {
        self.worker.cancel();
    }
}

/// Starts the model worker. It loads `source` into `shared` on its first request and reads and writes runs in `store`.
///
/// # Errors
/// If the thread cannot be started.
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
            Job::AnswerQuery => {
                answer_pending(model, &inbox, cancel, emit);
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
            let mut loading = |text| emit(ModelEvent::Run(Event::Loading(text)));
            let model = empty.insert(shared.get(source, options, &mut loading)?);
            for note in &model.notes {
                emit(ModelEvent::Run(Event::Note(Note::Model(note.clone()))));
            }
            Ok(model)
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
    let (plan, prompts) =
        PromptBuilder::new(&Library.task(&request.task)?, request)?.plan_watched(model, &mut |progress| {
            emit(ModelEvent::Run(Event::Building(progress)));
            cancel.check()
        })?;
    let mut observe = |event: Event| {
        let is_batch = matches!(event, Event::Batch(..));
        emit(ModelEvent::Run(event));
        if is_batch {
            answer_pending(model, inbox, cancel, emit);
        }
    };
    obtain(store, model, plan, &prompts, cancel, &mut observe).map(drop)
}

/// Answers the pending query, if there is one. Emits nothing if it is cancelled.
fn answer_pending(model: &Model, inbox: &Slot, cancel: &Cancel, emit: &mut dyn FnMut(ModelEvent)) {
    let pending = inbox.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(query) = pending else { return };
    match answer(model, &query, cancel) {
        Ok(answer) => emit(ModelEvent::Answer(Box::new(answer))),
        Err(Error::Cancelled) => {}
        Err(error) => emit(ModelEvent::NoAnswer(query.serial, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Receiver, channel},
        time::Duration,
    };

    use super::*;
    use crate::{
        attribution::argmax,
        runner::{Demonstration, Prompting},
    };

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

    fn query(serial: u64, text: &str) -> Query {
        let task = Arc::new(Library.task("sentiment").unwrap());
        let demos = task.pool.iter().take(3).map(|example| Demonstration::of_pool(&example.id)).collect();
        Query { serial, template: None, prompting: Prompting::default(), demos, text: text.to_owned(), task }
    }

    #[test]
    fn queries_count_tokens_and_classify_texts() {
        let (mut worker, events) = worker();
        let task = Library.task("sentiment").unwrap();
        let text = task.test[0].summary();
        worker.ask(query(1, ""), false);
        let measured = next_answer(&events);
        assert!(measured.table.is_none() && measured.demo_tokens.len() == 3);
        assert!(measured.prompt.ends_with(&task.templates[0].render(&task.test[0]).unwrap()));
        assert!(measured.demo_tokens.iter().sum::<usize>() < measured.tokens && measured.tokens < measured.context);
        worker.ask(query(2, &text), false);
        let classified = next_answer(&events);
        let table = classified.table.unwrap();
        assert_eq!((classified.serial, classified.tokens, table.len()), (2, measured.tokens, 1));
        assert!(argmax(table.full()) < 2 && table.exactness().max_rel < 1e-4);
    }

    #[test]
    fn a_query_with_an_empty_field_is_refused() {
        let (mut worker, events) = worker();
        let task = Arc::new(Library.task("entailment").unwrap());
        assert!(task.test[0].fields.len() > 1);
        let own = |serial, text: &str| Query { task: task.clone(), demos: Vec::new(), ..query(serial, text) };
        worker.ask(own(1, "only one text"), false);
        loop {
            match events.recv_timeout(Duration::from_secs(60)).unwrap().event {
                ModelEvent::NoAnswer(1, why) => {
                    break assert!(why.contains("the text is empty in `own text`"), "{why}");
                }
                ModelEvent::Answer(_) => panic!("answered"),
                _ => {}
            }
        }
        worker.ask(own(2, "one text | and another"), false);
        assert!(next_answer(&events).table.is_some());
    }

    #[test]
    fn a_query_is_answered_during_a_run() {
        let (mut worker, events) = worker();
        worker.run(1, RunRequest { limit: Some(200), ..RunRequest::default() });
        while !matches!(events.recv_timeout(Duration::from_secs(60)).unwrap().event, ModelEvent::Run(Event::Planned(_)))
        {
        }
        worker.ask(query(9, "fine"), true);
        assert_eq!(next_answer(&events).serial, 9);
        let ends = |event| matches!(event, ModelEvent::Run(Event::Finished(_)));
        while !ends(events.recv_timeout(Duration::from_secs(60)).unwrap().event) {}
    }

    #[test]
    fn a_run_reports_the_prompts_it_builds_and_stops_there() {
        let demo = Model::load(&Source::Demo, &LoadOptions::default()).unwrap();
        let request = RunRequest { limit: Some(20), ..RunRequest::default() };
        let cancel = Cancel::default();
        let mut seen = Vec::new();
        let mut stop_at_first = |event| {
            cancel.cancel();
            seen.push(event);
        };
        let outcome = attribute((&demo, &Store::none()), &request, &cancel, &Slot::default(), &mut stop_at_first);
        assert!(matches!(outcome, Err(Error::Cancelled)));
        let [ModelEvent::Run(Event::Building(progress))] = &seen[..] else { panic!("{seen:?}") };
        assert!(progress.done <= progress.total && progress.total >= 20, "{progress:?}");
    }

    #[test]
    fn a_failed_query_reports_its_serial_number() {
        let (mut worker, events) = worker();
        worker.ask(Query { demos: vec![Demonstration::of_pool("unknown")], ..query(4, "fine") }, false);
        loop {
            match events.recv_timeout(Duration::from_secs(60)).unwrap().event {
                ModelEvent::Run(_) => {}
                ModelEvent::NoAnswer(4, why) => return assert!(why.contains("unknown"), "{why}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
