//! An explorer without a terminal, for tests. Fake workers answer at once, unless their answers are held back.

use std::collections::VecDeque;

use crate::{
    app::{Effect, Keymap, Leave, Message, State, TaskChoice, keymap::DEFAULT, press, receive},
    component::Shape,
    jobs::{FileEvent, FileRequest, ModelEvent, Tagged},
    runner::{Event, RunRequest},
};

use super::{fake_workers::messages, fixture};

/// Explorer state with fake workers. Runs produce events only when a test sends them.
pub(crate) struct Harness {
    pub(crate) state: State,
    pub(crate) shape: Shape,
    /// Requested runs.
    pub(crate) requests: Vec<RunRequest>,
    pub(crate) cancelled: usize,
    pub(crate) copied: Option<String>,
    pub(crate) left: Option<Leave>,
    /// Unanswered file requests.
    pub(crate) file_requests: Vec<FileRequest>,
    /// Number of queries.
    pub(crate) queries: usize,
    /// Generation of the last requested run.
    pub(crate) run_generation: u64,
    /// Answers of the workers, in order.
    pub(crate) queue: VecDeque<Message>,
    /// Whether answers stay in the queue.
    pub(crate) holds_answers: bool,
}

impl Harness {
    /// Creates an explorer that has requested its first run.
    pub(crate) fn opened() -> Self {
        let choice = |name: &str, templates: &[&str]| TaskChoice {
            name: name.to_owned(),
            templates: templates.iter().map(|&name| name.to_owned()).collect(),
        };
        let choices = vec![choice("sentiment", &["review", "arrow"]), choice("topic", &["article"])];
        let state = State::new(Keymap::parse(DEFAULT).unwrap(), choices);
        let mut harness = Self {
            state,
            shape: fixture::SHAPE,
            requests: Vec::new(),
            cancelled: 0,
            copied: None,
            left: None,
            file_requests: Vec::new(),
            queries: 0,
            run_generation: 0,
            queue: VecDeque::new(),
            holds_answers: false,
        };
        let effects = harness.state.begin(fixture::request());
        harness.execute(effects);
        harness
    }

    /// Creates an explorer whose first run is complete, with `n` test examples.
    pub(crate) fn finished(n: usize) -> Self {
        let mut harness = Self::opened();
        harness.run_to_end(n);
        harness
    }

    /// Returns all events of the last requested run.
    pub(crate) fn events(&self, n: usize) -> Vec<Event> {
        fixture::events(self.shape, self.requests.last().unwrap(), n, 16)
    }

    /// Completes the last requested run with `n` test examples.
    pub(crate) fn run_to_end(&mut self, n: usize) {
        self.events(n).into_iter().for_each(|event| self.run_event(event));
    }

    /// Receives an event of the last requested run.
    pub(crate) fn run_event(&mut self, event: Event) {
        let event = ModelEvent::Run(event);
        self.receive(Message::Model(Tagged { generation: self.run_generation, event }));
    }

    /// Receives an event of the file worker.
    pub(crate) fn file_event(&mut self, event: FileEvent) {
        self.receive(Message::File(event));
    }

    /// Receives a message.
    pub(crate) fn receive(&mut self, message: Message) {
        let effects = receive(&mut self.state, message);
        self.execute(effects);
    }

    /// Receives messages, one after the other.
    pub(crate) fn receive_all(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.receive(message);
        }
    }

    /// Presses keys, written as in the keymap and separated by spaces.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            let effects = press(&mut self.state, key.parse().unwrap());
            self.execute(effects);
        }
        self
    }

    /// Presses keys without delivering answers, and returns the answers.
    pub(crate) fn answers_to(&mut self, keys: &str) -> Vec<Message> {
        self.holds_answers = true;
        self.keys(keys).holds_answers = false;
        self.queue.drain(..).collect()
    }

    /// Records effects and delivers the answers of the workers.
    pub(crate) fn execute(&mut self, effects: Vec<Effect>) {
        self.record(effects);
        while !self.holds_answers
            && let Some(message) = self.queue.pop_front()
        {
            let effects = receive(&mut self.state, message);
            self.record(effects);
        }
    }

    fn record(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let answers = messages(&effect);
            self.record_one(effect, answers.is_empty());
            self.queue.extend(answers);
        }
    }

    fn record_one(&mut self, effect: Effect, is_unanswered: bool) {
        match effect {
            Effect::Quit(leave) => self.left = Some(leave),
            Effect::CancelRun | Effect::CancelExperiment => self.cancelled += 1,
            Effect::Copy(text) => self.copied = Some(text),
            Effect::Run { generation, request } => {
                self.requests.push(request);
                self.run_generation = generation;
            }
            Effect::Query { .. } => self.queries += 1,
            Effect::File(request) if is_unanswered => self.file_requests.push(request),
            _ => {}
        }
    }
}
