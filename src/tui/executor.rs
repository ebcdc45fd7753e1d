//! Where effects are carried out: workers get their requests here, and what they say comes back here.

use std::io;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{
    app::{
        Effect, Leave, State, on_baselines_event, on_experiment_event, on_file_event, on_fit_event, on_query_answer,
        on_quick_experiment_event, on_run_event, on_stats_event,
        state::{Fitting, Phase, Severity, experiments::ExperimentStatus},
    },
    jobs::{
        BaselinesEvent, BaselinesRequest, ExperimentEvent, ExperimentRequest, FileEvent, FileRequest, FileWorker,
        FitEvent, FitRequest, ModelEvent, ModelWorker, StatsEvent, StatsRequest, Tagged, Worker, baselines_worker,
        fit_worker, stats_worker,
    },
    runner::RunRequest,
    store::Store,
};

/// Where a worker says what it has to say.
pub type Listener<E> = Box<dyn Fn(Tagged<E>) + Send>;

/// Starts the worker that owns the model.
pub type StartModel = Box<dyn FnOnce(Listener<ModelEvent>) -> io::Result<ModelWorker>>;

/// Starts a worker, of this name, that asks the model about runs.
pub type StartStudy = Box<dyn Fn(&str, Listener<ExperimentEvent>) -> io::Result<Worker<ExperimentRequest>>>;

/// What a worker says.
#[derive(Debug)]
pub enum Message {
    /// The model's.
    Model(Tagged<ModelEvent>),
    /// The fitting one.
    Fit(Tagged<FitEvent>),
    /// The judging one.
    Stats(Tagged<StatsEvent>),
    /// The scoring one.
    Baselines(Tagged<BaselinesEvent>),
    /// That of long studies.
    Experiment(Tagged<ExperimentEvent>),
    /// That of quick looks.
    QuickExperiment(Tagged<ExperimentEvent>),
    /// The clerk's.
    FileWorker(FileEvent),
}

/// What only the terminal can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalRequest {
    /// Leave.
    Leave(Leave),
    /// Go to the background.
    Suspend,
    /// Put this on the clipboard.
    Copy(String),
}

/// The workers. Each starts with its first request.
pub struct Executor {
    mail: UnboundedSender<Message>,
    start: Option<StartModel>,
    model: Option<ModelWorker>,
    start_study: Option<StartStudy>,
    studies: Option<Worker<ExperimentRequest>>,
    looks: Option<Worker<ExperimentRequest>>,
    fits: Option<Worker<FitRequest>>,
    judges: Option<Worker<StatsRequest>>,
    baselines: Option<Worker<BaselinesRequest>>,
    clerk: Option<FileWorker>,
    store: Store,
}

impl Executor {
    /// An office without workers yet, and where their mail arrives.
    pub fn new(
        start: Option<StartModel>,
        start_study: Option<StartStudy>,
        store: Store,
    ) -> (Self, UnboundedReceiver<Message>) {
        let (mail, inbox) = unbounded_channel();
        let executor = Self {
            mail,
            start,
            model: None,
            start_study,
            studies: None,
            looks: None,
            fits: None,
            judges: None,
            baselines: None,
            clerk: None,
            store,
        };
        (executor, inbox)
    }

    /// A listener that posts what it hears; when nobody reads any more, it is lost, as it should be.
    fn post<E: 'static>(&self, wrap: fn(Tagged<E>) -> Message) -> impl Fn(Tagged<E>) + Send + 'static {
        let mail = self.mail.clone();
        move |told| drop(mail.send(wrap(told)))
    }

    /// Takes in what a worker said.
    pub fn hear(&mut self, state: &mut State, message: Message) {
        let effects = match message {
            Message::Model(told) => on_model_event(state, told),
            Message::Stats(told) => on_stats_event(state, told.event),
            Message::Experiment(told) => on_experiment_event(state, told),
            Message::QuickExperiment(told) => on_quick_experiment_event(state, told),
            Message::Fit(told) => {
                on_fit_event(state, told.event);
                Vec::new()
            }
            Message::Baselines(told) => {
                on_baselines_event(state, told.event);
                Vec::new()
            }
            Message::FileWorker(report) => on_file_event(state, report),
        };
        self.execute(state, effects);
    }

    /// Does what has to be done outside; what only the terminal can do is handed on.
    pub fn execute(&mut self, state: &mut State, effects: Vec<Effect>) -> Option<TerminalRequest> {
        let mut asked = None;
        for effect in effects {
            match effect {
                Effect::Quit(how) => asked = Some(TerminalRequest::Leave(how)),
                Effect::Suspend => asked = Some(TerminalRequest::Suspend),
                Effect::Copy(text) => asked = Some(TerminalRequest::Copy(text)),
                Effect::Experiment(request) => self.study(state, request),
                Effect::QuickExperiment(request) => self.look(state, request),
                Effect::CancelStudy => self.studies.iter().for_each(Worker::cancel),
                Effect::CancelRun => self.model.iter().for_each(ModelWorker::cancel),
                Effect::Run(request) => self.run(state, request),
                Effect::Fit { run, table, method } => self.fit(state, FitRequest { run, table, method }),
                Effect::Baselines { run, train, test } => self.score(state, BaselinesRequest { run, train, test }),
                Effect::Query(ask) => {
                    let busy = state.phase.is_busy();
                    self.model.iter_mut().for_each(|model| model.ask((*ask).clone(), busy));
                }
                Effect::FileRequest(errand) => self.send(state, errand),
                Effect::Stats { run, table } => self.judge(state, StatsRequest { run, table }),
            }
        }
        asked
    }

    fn run(&mut self, state: &mut State, request: RunRequest) {
        if let Some(start) = self.start.take() {
            match start(Box::new(self.post(Message::Model))) {
                Ok(worker) => self.model = Some(worker),
                Err(error) => state.phase = Phase::Failed(format!("no thread for the model: {error}")),
            }
        }
        if let Some(worker) = &mut self.model {
            state.generation = worker.run(request);
        }
    }

    fn study(&mut self, state: &mut State, request: ExperimentRequest) {
        if self.studies.is_none() {
            self.studies = self.start_asking("study", Message::Experiment);
        }
        if let Some(worker) = &mut self.studies {
            state.experiments.generation = worker.submit(request);
        } else {
            state.experiments.status = ExperimentStatus::Idle;
            state.notify(Severity::Bad, "there is no model to ask");
        }
    }

    fn look(&mut self, state: &mut State, request: ExperimentRequest) {
        if self.looks.is_none() {
            self.looks = self.start_asking("look", Message::QuickExperiment);
        }
        if let Some(worker) = &mut self.looks {
            state.experiments.quick_generation = worker.submit(request);
        } else {
            let why = "there is no model to ask".to_owned();
            state.experiments.refused = state.experiments.looking.take().map(|(run, study)| (run, study, why.clone()));
            state.notify(Severity::Bad, why);
        }
    }

    fn start_asking(
        &self,
        name: &str,
        wrap: fn(Tagged<ExperimentEvent>) -> Message,
    ) -> Option<Worker<ExperimentRequest>> {
        self.start_study.as_ref()?(name, Box::new(self.post(wrap))).ok()
    }

    fn fit(&mut self, state: &mut State, request: FitRequest) {
        if self.fits.is_none() {
            self.fits = fit_worker(self.post(Message::Fit)).ok();
        }
        if let Some(worker) = &mut self.fits {
            worker.submit(request);
        } else {
            state.fitting = Fitting::Idle;
            state.notify(Severity::Bad, "the system gives no thread to fit on");
        }
    }

    fn judge(&mut self, state: &mut State, request: StatsRequest) {
        if self.judges.is_none() {
            self.judges = stats_worker(self.post(Message::Stats)).ok();
        }
        if let Some(worker) = &mut self.judges {
            worker.submit(request);
        } else {
            state.notify(Severity::Bad, "the system gives no thread to judge components on");
        }
    }

    fn score(&mut self, state: &mut State, request: BaselinesRequest) {
        if self.baselines.is_none() {
            self.baselines = baselines_worker(self.post(Message::Baselines)).ok();
        }
        if let Some(worker) = &mut self.baselines {
            worker.submit(request);
        } else {
            state.notify(Severity::Bad, "the system gives no thread to score methods on");
        }
    }

    fn send(&mut self, state: &mut State, errand: FileRequest) {
        if self.clerk.is_none() {
            let mail = self.mail.clone();
            self.clerk =
                FileWorker::start(self.store.clone(), move |report| drop(mail.send(Message::FileWorker(report)))).ok();
        }
        match &self.clerk {
            Some(clerk) => clerk.send(errand),
            None => state.notify(Severity::Bad, "the system gives no thread for files"),
        }
    }
}

/// Takes in what the model's worker says.
fn on_model_event(state: &mut State, told: Tagged<ModelEvent>) -> Vec<Effect> {
    match told.event {
        ModelEvent::Run(event) => return on_run_event(state, Tagged { generation: told.generation, event }),
        ModelEvent::Answer(answer) => on_query_answer(state, answer.serial, Ok(*answer)),
        ModelEvent::NoAnswer(serial, why) => on_query_answer(state, serial, Err(why)),
    }
    Vec::new()
}
