//! Fake workers: deterministic messages that answer a request.

use std::{sync::Arc, time::Duration};

use crate::{
    analysis::{
        Fit, Thresholds,
        baseline::{BaselineOptions, outcomes},
        reweight::{fit_by, path_of},
        summarize,
    },
    app::{Effect, Message},
    cancel::Cancel,
    jobs::{
        BaselinesEvent, BaselinesRequest, ExperimentEvent, ExperimentRequest, FileEvent, FileRequest, FitEvent,
        FitRequest, ModelEvent, StatsEvent, StatsRequest, Tagged,
    },
};

use super::{fake_experiments, fixture};

/// Penalty strengths on the path of a fit.
const PATH: usize = 12;

/// Returns the messages that answer an effect; none for runs and most file requests.
pub(crate) fn messages(effect: &Effect) -> Vec<Message> {
    match effect {
        Effect::Fit { generation, request } => {
            let event = |event| Message::Fit(Tagged { generation: *generation, event });
            fit(request).into_iter().map(event).collect()
        }
        Effect::Stats { generation, request } => vec![Message::Stats(tagged(*generation, stats(request)))],
        Effect::Baselines { generation, request } => {
            vec![Message::Baselines(tagged(*generation, baselines(request)))]
        }
        Effect::Experiment { generation, request } => {
            vec![Message::Experiment(tagged(*generation, experiment(request)))]
        }
        Effect::QuickExperiment { generation, request } => {
            vec![Message::QuickExperiment(tagged(*generation, experiment(request)))]
        }
        Effect::Query { query, .. } => {
            let answer = ModelEvent::Answer(Box::new(fixture::answer(query)));
            vec![Message::Model(tagged(query.serial, answer))]
        }
        Effect::File(FileRequest::ReadTask(name)) => {
            vec![Message::File(FileEvent::Task(name.clone(), Ok(Arc::new(fixture::task()))))]
        }
        Effect::File(FileRequest::ListRuns) => vec![Message::File(FileEvent::Runs(Ok(fixture::stored())))],
        _ => Vec::new(),
    }
}

const fn tagged<E>(generation: u64, event: E) -> Tagged<E> {
    Tagged { generation, event }
}

/// Fits like the worker, but with a fixed KKT residual, since the real one depends on the machine.
fn fit(request: &FitRequest) -> Vec<FitEvent> {
    let (run, cancel) = (request.run, Cancel::default());
    let fit = Fit { kkt: 1e-9, ..fit_by(request.method, &request.table, &cancel).unwrap() };
    let path = path_of(&fit, &request.table, PATH, &cancel).unwrap();
    let done = FitEvent::Done { run, fit: Box::new(fit), took: Duration::from_millis(12) };
    [done].into_iter().chain(path.map(|fits| FitEvent::Path { run, fits })).collect()
}

fn stats(request: &StatsRequest) -> StatsEvent {
    StatsEvent::Done { run: request.run, stats: summarize(&request.table, &Thresholds::default()) }
}

fn baselines(request: &BaselinesRequest) -> BaselinesEvent {
    let options = BaselineOptions::default();
    let outcomes = outcomes(&request.train, &request.test, &options, &Cancel::default()).unwrap();
    BaselinesEvent::Done { run: request.run, outcomes }
}

fn experiment(request: &ExperimentRequest) -> ExperimentEvent {
    ExperimentEvent::Result { run: request.run, result: Box::new(fake_experiments::result(request)) }
}
