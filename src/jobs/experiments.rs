//! Workers that run the model again on the prompts of a run: long experiments, and quick ones that must not wait for
//! them.
//!
//! They share the weights of the worker that makes runs, if that has loaded them; one worker's job never cancels
//! another's.

use std::{io, sync::Arc, time::Duration};

use super::{
    model::SharedModel,
    worker::{Tagged, Worker},
};
use crate::{
    analysis::Mix,
    attribution::Attribution,
    cancel::Cancel,
    component::Component,
    decompose::LabelProjection,
    error::{Error, Result},
    experiments::{
        Ablation, AttentionPattern, LogitLens, Rerun, RunContext, Shares, Sweep, attention_pattern, attention_shares,
        logit_lens, price, rerun, sweep,
    },
    model::{LoadOptions, Model, Source},
    progress::Progress,
    runner::{Plan, Rebuilt, rebuild},
};

/// Words listed on each side of what a component writes.
const WORDS: usize = 24;

/// An experiment on a run.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentRequest {
    /// The run, by id; echoed in the events.
    pub run: u64,
    /// Its prompts.
    pub plan: Arc<Plan>,
    /// Its test split.
    pub table: Arc<Attribution>,
    /// The experiment.
    pub experiment: Experiment,
}

/// A question about a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Experiment {
    /// What happens if a mix is applied inside the forward pass?
    Rerun(Mix, Ablation),
    /// How long would ablating each component take?
    Price(Ablation),
    /// What happens if each component is ablated in turn?
    Sweep(Ablation),
    /// Where does every head look in one test example?
    Attention(usize),
    /// Where does every head look on average, by part of the prompt?
    Shares,
    /// What does a component write in one test example?
    Writes(usize, Component),
}

/// An event of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub enum ExperimentEvent {
    /// The model is being loaded.
    Loading,
    /// How far it is.
    Progress(Progress),
    /// The answer; of a sweep also what is known so far.
    Found {
        /// From the request.
        run: u64,
        /// What was found.
        finding: Box<ExperimentResult>,
    },
    /// It was cancelled; what was found before stands.
    Cancelled,
    /// It failed, and why.
    Failed(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ExperimentResult {
    /// An ablated re-run.
    Rerun(Box<Rerun>),
    /// How long a sweep will take.
    Price(Ablation, Duration),
    /// Each component ablated, over the examples that are in.
    Sweep(Sweep),
    /// Attention in one test example.
    Attention(usize, AttentionPattern),
    /// Attention by part of the prompt.
    Shares(Shares),
    /// What a component writes in one test example.
    Writes(usize, LogitLens),
}

/// Starts a worker that answers such questions.
///
/// # Errors
/// If the system gives no thread.
pub fn experiment_worker(
    name: &str,
    source: Source,
    options: LoadOptions,
    shared: SharedModel,
    listen: impl Fn(Tagged<ExperimentEvent>) + Send + 'static,
) -> io::Result<Worker<ExperimentRequest>> {
    let work = move |known: &mut Option<Known>,
                     request: ExperimentRequest,
                     cancel: &Cancel,
                     emit: &mut dyn FnMut(ExperimentEvent)| {
        let model = shared.get(&source, &options, || emit(ExperimentEvent::Loading));
        let outcome = model.and_then(|model| {
            let known = Known::of(known, &model, &request.plan)?;
            cancel.check()?;
            answer(&model, known, &request, cancel, emit)
        });
        match outcome {
            Ok(finding) => emit(ExperimentEvent::Found { run: request.run, finding: Box::new(finding) }),
            Err(Error::Cancelled) => emit(ExperimentEvent::Cancelled),
            Err(error) => emit(ExperimentEvent::Failed(error.to_string())),
        }
    };
    Worker::spawn(name, || None, work, ExperimentEvent::Failed, listen)
}

/// What every question about a run needs, kept for the next one.
struct Known {
    plan: Arc<Plan>,
    rebuilt: Rebuilt,
    projection: LabelProjection,
}

impl Known {
    /// What is in `slot`, if it is of this plan; otherwise made now.
    fn of<'a>(slot: &'a mut Option<Self>, model: &Model, plan: &Arc<Plan>) -> Result<&'a Self> {
        match slot.take().filter(|known| Arc::ptr_eq(&known.plan, plan)) {
            Some(known) => Ok(slot.insert(known)),
            None => Ok(slot.insert(Self {
                plan: plan.clone(),
                rebuilt: rebuild(model, plan)?,
                projection: LabelProjection::new(&model.decoder, &plan.task.label_tokens)?,
            })),
        }
    }
}

fn answer(
    model: &Model,
    known: &Known,
    request: &ExperimentRequest,
    cancel: &Cancel,
    emit: &mut dyn FnMut(ExperimentEvent),
) -> Result<ExperimentResult> {
    let Known { plan, rebuilt, projection } = known;
    let context = RunContext::with(model, plan, &rebuilt.prompts, projection.clone())?;
    let tokenizer = &model.tokenizer;
    match &request.experiment {
        Experiment::Rerun(mix, ablation) => {
            let mut observe = |progress| emit(ExperimentEvent::Progress(progress));
            let rerun = rerun(&context, &request.table, mix, *ablation, cancel, &mut observe)?;
            Ok(ExperimentResult::Rerun(Box::new(rerun)))
        }
        Experiment::Cost(ablation) => Ok(ExperimentResult::Cost(*ablation, price(&context, *ablation, cancel)?)),
        Experiment::Sweep(ablation) => {
            let swept = sweep(&context, *ablation, cancel, &mut |partial, progress| {
                emit(ExperimentEvent::Progress(progress));
                if let Some(partial) = partial.filter(|partial| !partial.is_complete()) {
                    let finding = Box::new(ExperimentResult::Sweep(partial.clone()));
                    emit(ExperimentEvent::Found { run: request.run, finding });
                }
            })?;
            Ok(ExperimentResult::Sweep(swept))
        }
        Experiment::Attention(example) => Ok(ExperimentResult::Attention(
            *example,
            attention_pattern(&context, tokenizer, rebuilt, *example, cancel)?,
        )),
        Experiment::Shares => {
            Ok(ExperimentResult::Shares(attention_shares(&context, tokenizer, rebuilt, cancel, &mut |_| {})?))
        }
        Experiment::LogitLens(example, component) => {
            let labels = &request.plan.task.label_tokens;
            let written = logit_lens(&context, tokenizer, labels, (*example, *component), WORDS, cancel)?;
            Ok(ExperimentResult::LogitLens(*example, written))
        }
    }
}
