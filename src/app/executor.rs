//! Executes effects.
//!
//! The executor sends requests to workers, which start with their first request, and forwards their events as messages.
//! If a worker cannot start, the executor sends a failure message instead. It has no access to the state.

use std::{io, path::PathBuf, rc::Rc, sync::Arc};

use crate::{
    jobs::{
        BaselinesEvent, BaselinesRequest, CatalogueEvent, CatalogueRequest, ExperimentEvent, ExperimentRequest,
        FileEvent, FileRequest, FileWorker, FitEvent, FitRequest, Lazy, ModelEvent, ModelWorker, StatsEvent,
        StatsRequest, Tagged, Worker, baselines_worker, catalogue_worker, fit_worker, stats_worker,
    },
    runner::{Event, Query, RunRequest},
    store::Store,
};

use super::{
    effect::{Effect, Leave},
    message::Message,
};

/// Receives the events of a worker.
pub type Listener<E> = Box<dyn Fn(Tagged<E>) + Send>;

/// Starts the model worker.
pub type StartModel = Box<dyn Fn(Listener<ModelEvent>) -> io::Result<ModelWorker>>;

/// Starts an experiment worker with this thread name. Two are started: for long and for quick experiments.
pub type StartExperiments = Rc<dyn Fn(&str, Listener<ExperimentEvent>) -> io::Result<Worker<ExperimentRequest>>>;

/// Returns how to start the model worker and the experiment workers for a model, by its name.
pub type OpenModel = Rc<dyn Fn(&str) -> Result<(StartModel, StartExperiments), String>>;

/// Sends messages, from any thread.
type Outbox = Arc<dyn Fn(Message) + Send + Sync>;

/// Error of model requests when only saved runs are open.
const NO_MODEL: &str = "no model: only saved runs are open";

/// An effect that only the terminal can carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalRequest {
    /// Quit.
    Leave(Leave),
    /// Suspend the program.
    Suspend,
    /// Copy a text to the clipboard.
    Copy(String),
    /// Draw the screen as SVG, and write it with this table under a path without ending.
    Export {
        /// Path without ending.
        path: PathBuf,
        /// Table of the screen as CSV.
        csv: String,
        /// Whether existing files are replaced.
        replace: bool,
    },
}

/// Sends effects to the workers.
pub struct Executor {
    outbox: Outbox,
    model: Lazy<ModelWorker>,
    fits: Lazy<Worker<FitRequest>>,
    stats: Lazy<Worker<StatsRequest>>,
    baselines: Lazy<Worker<BaselinesRequest>>,
    experiments: Lazy<Worker<ExperimentRequest>>,
    quick_experiments: Lazy<Worker<ExperimentRequest>>,
    files: Lazy<FileWorker>,
    catalogue: Lazy<Worker<CatalogueRequest>>,
    open_model: Option<OpenModel>,
}

impl Executor {
    /// Creates an executor that passes messages to `send`. Without `model` or `experiments`, requests to them fail.
    pub fn new(
        send: impl Fn(Message) + Send + Sync + 'static,
        model: Option<StartModel>,
        experiments: Option<StartExperiments>,
        store: Store,
    ) -> Self {
        let outbox: Outbox = Arc::new(send);
        let (fit, stats) = (listener(&outbox, Message::Fit), listener(&outbox, Message::Stats));
        let (baselines, files) = (listener(&outbox, Message::Baselines), outbox.clone());
        let catalogue = listener(&outbox, Message::Catalogue);
        Self {
            model: lazy_model(model, &outbox),
            fits: Lazy::new("fit", move || fit_worker(fit.clone())),
            stats: Lazy::new("statistics", move || stats_worker(stats.clone())),
            baselines: Lazy::new("baselines", move || baselines_worker(baselines.clone())),
            quick_experiments: lazy_experiments(
                "quick experiment",
                experiments.clone(),
                &outbox,
                Message::QuickExperiment,
            ),
            experiments: lazy_experiments("experiment", experiments, &outbox, Message::Experiment),
            files: Lazy::new("file", move || {
                let outbox = files.clone();
                FileWorker::start(store.clone(), move |event| outbox(Message::File(event)))
            }),
            catalogue: Lazy::new("models", move || catalogue_worker(catalogue.clone())),
            open_model: None,
            outbox,
        }
    }

    /// Lets the executor open other models.
    #[must_use]
    pub fn opening(self, open_model: Option<OpenModel>) -> Self {
        Self { open_model, ..self }
    }

    /// Replaces the model worker and the experiment workers by those of another model. The previous ones stop.
    fn open_model(&mut self, name: &str) {
        let opened = self.open_model.as_ref().map(|open| open(name));
        match opened {
            Some(Ok((model, experiments))) => {
                self.model = lazy_model(Some(model), &self.outbox);
                let quick = ("quick experiment", Message::QuickExperiment as fn(_) -> _);
                self.quick_experiments = lazy_experiments(quick.0, Some(experiments.clone()), &self.outbox, quick.1);
                self.experiments = lazy_experiments("experiment", Some(experiments), &self.outbox, Message::Experiment);
            }
            Some(Err(why)) => (self.outbox)(Message::File(FileEvent::Failed(why))),
            None => (self.outbox)(Message::File(FileEvent::Failed(NO_MODEL.to_owned()))),
        }
    }

    /// Executes effects and returns the last one that only the terminal can carry out.
    pub fn execute(&mut self, effects: Vec<Effect>) -> Option<TerminalRequest> {
        effects.into_iter().filter_map(|effect| self.execute_one(effect)).last()
    }

    fn execute_one(&mut self, effect: Effect) -> Option<TerminalRequest> {
        match effect {
            Effect::Quit(how) => return Some(TerminalRequest::Leave(how)),
            Effect::Suspend => return Some(TerminalRequest::Suspend),
            Effect::Copy(text) => return Some(TerminalRequest::Copy(text)),
            Effect::Export { path, csv, replace } => return Some(TerminalRequest::Export { path, csv, replace }),
            Effect::CancelRun => self.model.started().into_iter().for_each(ModelWorker::cancel),
            Effect::CancelExperiment => self.experiments.started().into_iter().for_each(Worker::cancel),
            Effect::Run { generation, request } => self.run(generation, request),
            Effect::Query { query, during_run } => self.ask(*query, during_run),
            Effect::Fit { generation, request } => {
                let sent = submit(&mut self.fits, generation, request);
                self.answer_failure(sent, |why| tagged(Message::Fit, generation, FitEvent::Failed(why)));
            }
            Effect::Stats { generation, request } => {
                let sent = submit(&mut self.stats, generation, request);
                self.answer_failure(sent, |why| tagged(Message::Stats, generation, StatsEvent::Failed(why)));
            }
            Effect::Baselines { generation, request } => {
                let sent = submit(&mut self.baselines, generation, request);
                self.answer_failure(sent, |why| tagged(Message::Baselines, generation, BaselinesEvent::Failed(why)));
            }
            Effect::Experiment { generation, request } => {
                let sent = submit(&mut self.experiments, generation, request);
                self.answer_failure(sent, |why| tagged(Message::Experiment, generation, ExperimentEvent::Failed(why)));
            }
            Effect::QuickExperiment { generation, request } => {
                let sent = submit(&mut self.quick_experiments, generation, request);
                self.answer_failure(sent, |why| {
                    tagged(Message::QuickExperiment, generation, ExperimentEvent::Failed(why))
                });
            }
            Effect::ListModels { generation, request } => {
                let sent = submit(&mut self.catalogue, generation, request);
                self.answer_failure(sent, |why| tagged(Message::Catalogue, generation, CatalogueEvent::Failed(why)));
            }
            Effect::OpenModel(name) => self.open_model(&name),
            Effect::File(request) => self.send_to_files(request),
        }
        None
    }

    fn run(&mut self, generation: u64, request: RunRequest) {
        let sent = self.model.get().map(|model| model.run(generation, request));
        self.answer_failure(sent, |why| tagged(Message::Model, generation, ModelEvent::Run(Event::Failed(why))));
    }

    fn ask(&mut self, query: Query, during_run: bool) {
        let serial = query.serial;
        let sent = self.model.get().map(|model| model.ask(query, during_run));
        self.answer_failure(sent, |why| tagged(Message::Model, serial, ModelEvent::NoAnswer(serial, why)));
    }

    fn send_to_files(&mut self, request: FileRequest) {
        match self.files.get() {
            Ok(files) => files.send(request),
            Err(why) => (self.outbox)(Message::File(request.failed(why))),
        }
    }

    /// Sends a failure message for a request whose worker could not start.
    fn answer_failure(&self, sent: Result<(), String>, failed: impl FnOnce(String) -> Message) {
        if let Err(why) = sent {
            (self.outbox)(failed(why));
        }
    }
}

fn submit<R: Send + 'static>(worker: &mut Lazy<Worker<R>>, generation: u64, request: R) -> Result<(), String> {
    worker.get()?.submit(generation, request);
    Ok(())
}

fn tagged<E>(wrap: fn(Tagged<E>) -> Message, generation: u64, event: E) -> Message {
    wrap(Tagged { generation, event })
}

/// Returns a listener that forwards the events of a worker as messages.
fn listener<E: 'static>(
    outbox: &Outbox,
    wrap: fn(Tagged<E>) -> Message,
) -> impl Fn(Tagged<E>) + Clone + Send + 'static {
    let outbox = outbox.clone();
    move |event| outbox(wrap(event))
}

fn lazy_model(start: Option<StartModel>, outbox: &Outbox) -> Lazy<ModelWorker> {
    let Some(start) = start else { return Lazy::unavailable(NO_MODEL) };
    let listener = listener(outbox, Message::Model);
    Lazy::new("model", move || start(Box::new(listener.clone())))
}

fn lazy_experiments(
    name: &'static str,
    start: Option<StartExperiments>,
    outbox: &Outbox,
    wrap: fn(Tagged<ExperimentEvent>) -> Message,
) -> Lazy<Worker<ExperimentRequest>> {
    let Some(start) = start else { return Lazy::unavailable(NO_MODEL) };
    let listener = listener(outbox, wrap);
    Lazy::new(name, move || start(name, Box::new(listener.clone())))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::{
        app::{
            press, receive,
            state::Phase,
            tests::{fixture, harness::Harness},
        },
        jobs::{Experiment, FileEvent},
    };

    /// An executor that cannot start the model and experiment workers.
    fn without_threads() -> (Executor, Receiver<Message>) {
        let (sender, inbox) = channel();
        let model: StartModel = Box::new(|_| Err(io::Error::other("no thread")));
        let experiments: StartExperiments = Rc::new(|_, _| Err(io::Error::other("no thread")));
        let send = move |message| drop(sender.send(message));
        (Executor::new(send, Some(model), Some(experiments), Store::none()), inbox)
    }

    /// Executes effects until no messages are left.
    fn execute_all(harness: &mut Harness, effects: Vec<Effect>) {
        let (mut executor, inbox) = without_threads();
        executor.execute(effects);
        while let Ok(message) = inbox.try_recv() {
            executor.execute(receive(&mut harness.state, message));
        }
    }

    #[test]
    fn a_run_fails_each_time_its_worker_cannot_start() {
        let mut harness = Harness::opened();
        for _ in 0..2 {
            let effects = press(&mut harness.state, "r".parse().unwrap());
            assert_eq!(harness.state.phase, Phase::Preparing(None));
            execute_all(&mut harness, effects);
            let Phase::Failed(why) = &harness.state.phase else { panic!("{:?}", harness.state.phase) };
            assert_eq!(why, "could not start the model worker: no thread");
        }
    }

    #[test]
    fn a_query_fails_if_its_worker_cannot_start() {
        let mut harness = Harness::finished(16);
        harness.keys("p");
        let effects = press(&mut harness.state, "l".parse().unwrap());
        assert!(matches!(effects[..], [Effect::Query { during_run: false, .. }]));
        execute_all(&mut harness, effects);
        let editor = harness.state.editor.as_ref().unwrap();
        assert!(!editor.is_waiting() && editor.failure.as_ref().unwrap().contains("no thread"));
    }

    #[test]
    fn experiments_fail_if_their_worker_cannot_start() {
        let mut harness = Harness::finished(40);
        harness.keys("m");
        let effects = press(&mut harness.state, "A".parse().unwrap());
        execute_all(&mut harness, effects);
        assert!(!harness.state.experiments.is_busy() && harness.state.experiments.failure.is_some());
        let effects = press(&mut harness.state, "P".parse().unwrap());
        execute_all(&mut harness, effects);
        let failure = harness.state.experiments.quick_failure.clone().unwrap();
        assert!(!harness.state.experiments.is_busy() && matches!(failure.1, Experiment::Attention(0)));
    }

    #[test]
    fn requests_without_a_model_fail() {
        let (sender, inbox) = channel();
        let mut executor = Executor::new(move |message| drop(sender.send(message)), None, None, Store::none());
        executor.execute(vec![Effect::Run { generation: 7, request: fixture::request() }]);
        let Ok(Message::Model(answer)) = inbox.try_recv() else { panic!("no message") };
        assert_eq!((answer.generation, answer.event), (7, ModelEvent::Run(Event::Failed(NO_MODEL.to_owned()))));
    }

    #[test]
    fn files_are_read_and_terminal_requests_are_returned() {
        let (mut executor, inbox) = without_threads();
        let effects = vec![Effect::File(FileRequest::ReadTask("sentiment".to_owned())), Effect::Copy("a".to_owned())];
        assert_eq!(executor.execute(effects), Some(TerminalRequest::Copy("a".to_owned())));
        let message = inbox.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
        assert!(matches!(message, Message::File(FileEvent::Task(name, Ok(_))) if name == "sentiment"));
    }
}
