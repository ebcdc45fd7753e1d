//! An explorer without a terminal, for tests: made-up workers answer at once, unless their answers are held back.

use std::collections::VecDeque;

use crate::{
    app::{Effect, Keymap, Leave, Message, State, TaskChoice, keymap::DEFAULT, press, receive},
    component::Shape,
    jobs::{FileEvent, FileRequest, ModelEvent, Tagged},
    runner::{Event, RunRequest},
};

use super::{fake_workers::messages, fixture};

/// Keys go in, the state is looked at; runs begin when they are told to.
pub(crate) struct Harness {
    pub(crate) state: State,
    pub(crate) shape: Shape,
    pub(crate) asked: Vec<RunRequest>,
    pub(crate) cancelled: usize,
    pub(crate) copied: Option<String>,
    pub(crate) left: Option<Leave>,
    /// File requests that are not answered.
    pub(crate) file_requests: Vec<FileRequest>,
    pub(crate) questions: usize,
    /// The generation of the run that was asked for last.
    pub(crate) run_generation: u64,
    /// Answers of the workers, in the order they are sent.
    pub(crate) queue: VecDeque<Message>,
    /// Whether answers stay in the queue.
    pub(crate) holds: bool,
}

impl Harness {
    /// An explorer that was just opened and has asked for its first run.
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
            asked: Vec::new(),
            cancelled: 0,
            copied: None,
            left: None,
            file_requests: Vec::new(),
            questions: 0,
            run_generation: 0,
            queue: VecDeque::new(),
            holds: false,
        };
        let effects = harness.state.begin(fixture::request());
        harness.execute(effects);
        harness
    }

    /// An explorer whose first run is complete, with `n` test examples.
    pub(crate) fn finished(n: usize) -> Self {
        let mut harness = Self::opened();
        harness.run_to_end(n);
        harness
    }

    /// What the run that was asked for last will say.
    pub(crate) fn events(&self, n: usize) -> Vec<Event> {
        fixture::events(self.shape, self.asked.last().unwrap(), n, 16)
    }

    pub(crate) fn run_to_end(&mut self, n: usize) {
        self.events(n).into_iter().for_each(|event| self.run_event(event));
    }

    /// The worker sends an event of the run that was asked for last.
    pub(crate) fn run_event(&mut self, event: Event) {
        let event = ModelEvent::Run(event);
        self.receive(Message::Model(Tagged { generation: self.run_generation, event }));
    }

    /// The worker for files sends an event.
    pub(crate) fn file_event(&mut self, event: FileEvent) {
        self.receive(Message::File(event));
    }

    /// Takes in a message.
    pub(crate) fn receive(&mut self, message: Message) {
        let effects = receive(&mut self.state, message);
        self.execute(effects);
    }

    /// Takes in messages, one after the other.
    pub(crate) fn receive_all(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.receive(message);
        }
    }

    /// Presses keys, written as in the keymap with spaces between them.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            let effects = press(&mut self.state, key.parse().unwrap());
            self.execute(effects);
        }
        self
    }

    /// Presses keys while all answers stay in the queue; the answers that they lead to.
    pub(crate) fn answers_to(&mut self, keys: &str) -> Vec<Message> {
        self.holds = true;
        self.keys(keys).holds = false;
        self.queue.drain(..).collect()
    }

    /// Notes effects, and delivers the answers of the workers.
    pub(crate) fn execute(&mut self, effects: Vec<Effect>) {
        self.note(effects);
        while !self.holds
            && let Some(message) = self.queue.pop_front()
        {
            let effects = receive(&mut self.state, message);
            self.note(effects);
        }
    }

    fn note(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let answers = messages(&effect);
            self.note_one(effect, answers.is_empty());
            self.queue.extend(answers);
        }
    }

    fn note_one(&mut self, effect: Effect, is_unanswered: bool) {
        match effect {
            Effect::Quit(leave) => self.left = Some(leave),
            Effect::CancelRun | Effect::CancelExperiment => self.cancelled += 1,
            Effect::Copy(text) => self.copied = Some(text),
            Effect::Run { generation, request } => {
                self.asked.push(request);
                self.run_generation = generation;
            }
            Effect::Query { .. } => self.questions += 1,
            Effect::File(request) if is_unanswered => self.file_requests.push(request),
            _ => {}
        }
    }
}
