//! Where effects are carried out: workers get their requests here, and what they say comes back here.

use std::io;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{
    app::{
        Effect, Leave, State, hear_answer, hear_clerk, hear_fit, hear_judge, hear_look, hear_run, hear_score,
        hear_study,
        state::{Fitting, Phase, Tone, experiments::Studying},
    },
    jobs::{
        Clerk, Errand, FitEvent, FitRequest, JudgeRequest, Judged, ModelEvent, ModelWorker, Report, ScoreRequest,
        Scored, StudyEvent, StudyRequest, Tagged, Worker, fit_worker, judge_worker, score_worker,
    },
    runner::RunRequest,
    store::Store,
};

/// Where a worker says what it has to say.
pub type Listener<E> = Box<dyn Fn(Tagged<E>) + Send>;

/// Starts the worker that owns the model.
pub type StartModel = Box<dyn FnOnce(Listener<ModelEvent>) -> io::Result<ModelWorker>>;

/// Starts a worker, of this name, that asks the model about runs.
pub type StartStudy = Box<dyn Fn(&str, Listener<StudyEvent>) -> io::Result<Worker<StudyRequest>>>;

/// What a worker says.
#[derive(Debug)]
pub enum Message {
    /// The model's.
    Model(Tagged<ModelEvent>),
    /// The fitting one.
    Fit(Tagged<FitEvent>),
    /// The judging one.
    Judge(Tagged<Judged>),
    /// The scoring one.
    Score(Tagged<Scored>),
    /// That of long studies.
    Study(Tagged<StudyEvent>),
    /// That of quick looks.
    Look(Tagged<StudyEvent>),
    /// The clerk's.
    Clerk(Report),
}

/// What only the terminal can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Leave.
    Leave(Leave),
    /// Go to the background.
    Suspend,
    /// Put this on the clipboard.
    Copy(String),
}

/// The workers. Each starts with its first request.
pub struct Office {
    mail: UnboundedSender<Message>,
    start: Option<StartModel>,
    model: Option<ModelWorker>,
    start_study: Option<StartStudy>,
    studies: Option<Worker<StudyRequest>>,
    looks: Option<Worker<StudyRequest>>,
    fits: Option<Worker<FitRequest>>,
    judges: Option<Worker<JudgeRequest>>,
    scores: Option<Worker<ScoreRequest>>,
    clerk: Option<Clerk>,
    store: Store,
}

impl Office {
    /// An office without workers yet, and where their mail arrives.
    pub fn new(
        start: Option<StartModel>,
        start_study: Option<StartStudy>,
        store: Store,
    ) -> (Self, UnboundedReceiver<Message>) {
        let (mail, inbox) = unbounded_channel();
        let office = Self {
            mail,
            start,
            model: None,
            start_study,
            studies: None,
            looks: None,
            fits: None,
            judges: None,
            scores: None,
            clerk: None,
            store,
        };
        (office, inbox)
    }

    /// A listener that posts what it hears; when nobody reads any more, it is lost, as it should be.
    fn post<E: 'static>(&self, wrap: fn(Tagged<E>) -> Message) -> impl Fn(Tagged<E>) + Send + 'static {
        let mail = self.mail.clone();
        move |told| drop(mail.send(wrap(told)))
    }

    /// Takes in what a worker said.
    pub fn hear(&mut self, state: &mut State, message: Message) {
        let effects = match message {
            Message::Model(told) => hear_model(state, told),
            Message::Judge(told) => hear_judge(state, told.event),
            Message::Study(told) => hear_study(state, told),
            Message::Look(told) => hear_look(state, told),
            Message::Fit(told) => {
                hear_fit(state, told.event);
                Vec::new()
            }
            Message::Score(told) => {
                hear_score(state, told.event);
                Vec::new()
            }
            Message::Clerk(report) => hear_clerk(state, report),
        };
        self.carry_out(state, effects);
    }

    /// Does what has to be done outside; what only the terminal can do is handed on.
    pub fn carry_out(&mut self, state: &mut State, effects: Vec<Effect>) -> Option<Asked> {
        let mut asked = None;
        for effect in effects {
            match effect {
                Effect::Quit(how) => asked = Some(Asked::Leave(how)),
                Effect::Suspend => asked = Some(Asked::Suspend),
                Effect::Copy(text) => asked = Some(Asked::Copy(text)),
                Effect::Study(request) => self.study(state, request),
                Effect::Look(request) => self.look(state, request),
                Effect::CancelStudy => self.studies.iter().for_each(Worker::cancel),
                Effect::CancelRun => self.model.iter().for_each(ModelWorker::cancel),
                Effect::Run(request) => self.run(state, request),
                Effect::Fit { sheet, table, method } => self.fit(state, FitRequest { sheet, table, method }),
                Effect::Score { sheet, train, test } => self.score(state, ScoreRequest { sheet, train, test }),
                Effect::Ask(ask) => {
                    let busy = state.phase.is_busy();
                    self.model.iter_mut().for_each(|model| model.ask((*ask).clone(), busy));
                }
                Effect::Errand(errand) => self.send(state, errand),
                Effect::Judge { sheet, table } => self.judge(state, JudgeRequest { sheet, table }),
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

    fn study(&mut self, state: &mut State, request: StudyRequest) {
        if self.studies.is_none() {
            self.studies = self.start_asking("study", Message::Study);
        }
        if let Some(worker) = &mut self.studies {
            state.cause.study_generation = worker.submit(request);
        } else {
            state.cause.studying = Studying::Idle;
            state.notify(Tone::Bad, "there is no model to ask");
        }
    }

    fn look(&mut self, state: &mut State, request: StudyRequest) {
        if self.looks.is_none() {
            self.looks = self.start_asking("look", Message::Look);
        }
        if let Some(worker) = &mut self.looks {
            state.cause.look_generation = worker.submit(request);
        } else {
            let why = "there is no model to ask".to_owned();
            state.cause.refused = state.cause.looking.take().map(|(sheet, study)| (sheet, study, why.clone()));
            state.notify(Tone::Bad, why);
        }
    }

    fn start_asking(&self, name: &str, wrap: fn(Tagged<StudyEvent>) -> Message) -> Option<Worker<StudyRequest>> {
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
            state.notify(Tone::Bad, "the system gives no thread to fit on");
        }
    }

    fn judge(&mut self, state: &mut State, request: JudgeRequest) {
        if self.judges.is_none() {
            self.judges = judge_worker(self.post(Message::Judge)).ok();
        }
        if let Some(worker) = &mut self.judges {
            worker.submit(request);
        } else {
            state.notify(Tone::Bad, "the system gives no thread to judge components on");
        }
    }

    fn score(&mut self, state: &mut State, request: ScoreRequest) {
        if self.scores.is_none() {
            self.scores = score_worker(self.post(Message::Score)).ok();
        }
        if let Some(worker) = &mut self.scores {
            worker.submit(request);
        } else {
            state.notify(Tone::Bad, "the system gives no thread to score methods on");
        }
    }

    fn send(&mut self, state: &mut State, errand: Errand) {
        if self.clerk.is_none() {
            let mail = self.mail.clone();
            self.clerk = Clerk::start(self.store.clone(), move |report| drop(mail.send(Message::Clerk(report)))).ok();
        }
        match &self.clerk {
            Some(clerk) => clerk.send(errand),
            None => state.notify(Tone::Bad, "the system gives no thread for files"),
        }
    }
}

/// Takes in what the model's worker says.
fn hear_model(state: &mut State, told: Tagged<ModelEvent>) -> Vec<Effect> {
    match told.event {
        ModelEvent::Run(event) => return hear_run(state, Tagged { generation: told.generation, event }),
        ModelEvent::Answer(answer) => hear_answer(state, answer.serial, Ok(*answer)),
        ModelEvent::NoAnswer(serial, why) => hear_answer(state, serial, Err(why)),
    }
    Vec::new()
}
