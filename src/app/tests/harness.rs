//! An explorer without a terminal, for tests: workers answer at once, and always the same.

use std::{sync::Arc, time::Duration};

use crate::{
    analysis::{
        Fit, Method, Thresholds,
        baseline::{BaselineOptions, outcomes},
        reweight::{fit_by, path_of},
        summarize,
    },
    app::{
        Effect, Keymap, Leave, State, TaskChoice, keymap::DEFAULT, on_baselines_event, on_experiment_event,
        on_file_event, on_fit_event, on_query_answer, on_quick_experiment_event, on_run_event, on_stats_event, press,
    },
    attribution::Attribution,
    cancel::Cancel,
    component::Shape,
    jobs::{BaselinesEvent, ExperimentEvent, FileEvent, FileRequest, FitEvent, StatsEvent, Tagged},
    runner::{Event, RunRequest},
};

use super::{answers::answer, fixture};

/// Keys go in, the state is looked at; runs begin when they are told to.
pub(crate) struct Bench {
    pub(crate) state: State,
    pub(crate) shape: Shape,
    pub(crate) asked: Vec<RunRequest>,
    pub(crate) cancelled: usize,
    pub(crate) copied: Option<String>,
    pub(crate) left: Option<Leave>,
    pub(crate) errands: Vec<FileRequest>,
    pub(crate) questions: usize,
}

impl Bench {
    /// An explorer that was just opened and has asked for its first run.
    pub(crate) fn opened() -> Self {
        let choice = |name: &str, templates: &[&str]| TaskChoice {
            name: name.to_owned(),
            templates: templates.iter().map(|&name| name.to_owned()).collect(),
        };
        let choices = vec![choice("sentiment", &["review", "arrow"]), choice("topic", &["article"])];
        let state = State::new(Keymap::parse(DEFAULT).unwrap(), choices);
        let mut bench = Self {
            state,
            shape: fixture::SHAPE,
            asked: Vec::new(),
            cancelled: 0,
            copied: None,
            left: None,
            errands: Vec::new(),
            questions: 0,
        };
        let effects = bench.state.begin(fixture::request());
        bench.execute(effects);
        bench
    }

    /// An explorer whose first run is complete, with `n` test examples.
    pub(crate) fn finished(n: usize) -> Self {
        let mut bench = Self::opened();
        bench.run_to_end(n);
        bench
    }

    /// What the run that was asked for last will say.
    pub(crate) fn events(&self, n: usize) -> Vec<Event> {
        fixture::events(self.shape, self.asked.last().unwrap(), n, 16)
    }

    pub(crate) fn run_to_end(&mut self, n: usize) {
        self.events(n).into_iter().for_each(|event| self.hear(event));
    }

    /// The worker says something for the run that was asked for last.
    pub(crate) fn hear(&mut self, event: Event) {
        let effects = on_run_event(&mut self.state, Tagged { generation: self.asked.len() as u64, event });
        self.execute(effects);
    }

    /// Presses keys, written as in the keymap with spaces between them.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            let effects = press(&mut self.state, key.parse().unwrap());
            self.execute(effects);
        }
        self
    }

    /// Fits as the worker does; how near the optimum it came is made up, because it depends on the machine.
    fn fit(&mut self, run: u64, table: &Attribution, method: Method) {
        let cancel = Cancel::default();
        let fit = Fit { kkt: 1e-9, ..fit_by(method, table, &cancel).unwrap() };
        let path = path_of(&fit, table, 12, &cancel).unwrap();
        let took = Duration::from_millis(12);
        on_fit_event(&mut self.state, FitEvent::Done { run, fit: Box::new(fit), took });
        if let Some(fits) = path {
            on_fit_event(&mut self.state, FitEvent::Path { run, fits });
        }
    }

    fn execute(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Quit(leave) => self.left = Some(leave),
                Effect::CancelRun | Effect::CancelStudy => self.cancelled += 1,
                Effect::Copy(text) => self.copied = Some(text),
                Effect::Suspend => {}
                Effect::Experiment(request) => {
                    let finding = Box::new(answer(&request));
                    let event = ExperimentEvent::Found { run: request.run, finding };
                    let more = on_experiment_event(&mut self.state, Tagged { generation: 0, event });
                    self.execute(more);
                }
                Effect::QuickExperiment(request) => {
                    let finding = Box::new(answer(&request));
                    let event = ExperimentEvent::Found { run: request.run, finding };
                    let more = on_quick_experiment_event(&mut self.state, Tagged { generation: 0, event });
                    self.execute(more);
                }
                Effect::Run(request) => {
                    self.asked.push(request);
                    self.state.generation = self.asked.len() as u64;
                }
                Effect::Fit { run, table, method } => self.fit(run, &table, method),
                Effect::Baselines { run, train, test } => {
                    let outcomes = outcomes(&train, &test, &BaselineOptions::default(), &Cancel::default()).unwrap();
                    on_baselines_event(&mut self.state, BaselinesEvent::Done { run, outcomes });
                }
                Effect::Query(ask) => {
                    self.questions += 1;
                    on_query_answer(&mut self.state, ask.serial, Ok(fixture::answer(&ask)));
                }
                Effect::FileRequest(FileRequest::ReadTask(name)) => {
                    let task = Ok(Arc::new(fixture::task()));
                    let more = on_file_event(&mut self.state, FileEvent::Task(name, task));
                    self.execute(more);
                }
                Effect::FileRequest(FileRequest::ListRuns) => {
                    let more = on_file_event(&mut self.state, FileEvent::Runs(fixture::stored()));
                    self.execute(more);
                }
                Effect::FileRequest(errand) => self.errands.push(errand),
                Effect::Stats { run, table } => {
                    let stats = summarize(&table, &Thresholds::default());
                    let more = on_stats_event(&mut self.state, StatsEvent::Done { run, stats });
                    self.execute(more);
                }
            }
        }
    }
}
