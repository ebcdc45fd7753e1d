//! Workers that ask the model what really happens: long studies, and quick looks that must not wait for them.
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
    cause::{Ablation, Look, Rerun, Shares, Subject, Sweep, Written, look, price, rerun, shares, sweep, writes},
    component::Component,
    decompose::LabelProjection,
    error::{Error, Result},
    model::{LoadOptions, Model, Source},
    progress::Progress,
    runner::{Plan, Rebuilt, rebuild},
};

/// Words listed on each side of what a component writes.
const WORDS: usize = 24;

/// What is to be found out about a run.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyRequest {
    /// Comes back with the answer, so that it finds its way.
    pub sheet: u64,
    /// The run.
    pub plan: Arc<Plan>,
    /// Its test split.
    pub table: Arc<Attribution>,
    /// The question.
    pub study: Study,
}

/// A question about a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Study {
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

/// What is said about a study.
#[derive(Clone, Debug, PartialEq)]
pub enum StudyEvent {
    /// The model is being loaded.
    Loading,
    /// How far it is.
    Progress(Progress),
    /// The answer; of a sweep also what is known so far.
    Found {
        /// From the request.
        sheet: u64,
        /// What was found.
        finding: Box<Finding>,
    },
    /// It was cancelled; what was found before stands.
    Cancelled,
    /// It failed, and why.
    Failed(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// An ablated re-run.
    Rerun(Box<Rerun>),
    /// How long a sweep will take.
    Price(Ablation, Duration),
    /// Each component ablated, over the examples that are in.
    Sweep(Sweep),
    /// Attention in one test example.
    Attention(usize, Look),
    /// Attention by part of the prompt.
    Shares(Shares),
    /// What a component writes in one test example.
    Writes(usize, Written),
}

/// Starts a worker that answers such questions.
///
/// # Errors
/// If the system gives no thread.
pub fn study_worker(
    name: &str,
    source: Source,
    options: LoadOptions,
    shared: SharedModel,
    listen: impl Fn(Tagged<StudyEvent>) + Send + 'static,
) -> io::Result<Worker<StudyRequest>> {
    let work =
        move |known: &mut Option<Known>, request: StudyRequest, cancel: &Cancel, say: &mut dyn FnMut(StudyEvent)| {
            let model = shared.get(&source, &options, || say(StudyEvent::Loading));
            let outcome = model.and_then(|model| {
                let known = Known::of(known, &model, &request.plan)?;
                cancel.check()?;
                answer(&model, known, &request, cancel, say)
            });
            match outcome {
                Ok(finding) => say(StudyEvent::Found { sheet: request.sheet, finding: Box::new(finding) }),
                Err(Error::Cancelled) => say(StudyEvent::Cancelled),
                Err(error) => say(StudyEvent::Failed(error.to_string())),
            }
        };
    Worker::spawn(name, || None, work, StudyEvent::Failed, listen)
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
    request: &StudyRequest,
    cancel: &Cancel,
    say: &mut dyn FnMut(StudyEvent),
) -> Result<Finding> {
    let Known { plan, rebuilt, projection } = known;
    let subject = Subject::with(model, plan, &rebuilt.prompts, projection.clone())?;
    let tokenizer = &model.tokenizer;
    match &request.study {
        Study::Rerun(mix, ablation) => {
            let mut observe = |progress| say(StudyEvent::Progress(progress));
            let rerun = rerun(&subject, &request.table, mix, *ablation, cancel, &mut observe)?;
            Ok(Finding::Rerun(Box::new(rerun)))
        }
        Study::Price(ablation) => Ok(Finding::Price(*ablation, price(&subject, *ablation, cancel)?)),
        Study::Sweep(ablation) => {
            let swept = sweep(&subject, *ablation, cancel, &mut |partial, progress| {
                say(StudyEvent::Progress(progress));
                if let Some(partial) = partial.filter(|partial| !partial.is_complete()) {
                    let finding = Box::new(Finding::Sweep(partial.clone()));
                    say(StudyEvent::Found { sheet: request.sheet, finding });
                }
            })?;
            Ok(Finding::Sweep(swept))
        }
        Study::Attention(example) => {
            Ok(Finding::Attention(*example, look(&subject, tokenizer, rebuilt, *example, cancel)?))
        }
        Study::Shares => Ok(Finding::Shares(shares(&subject, tokenizer, rebuilt, cancel, &mut |_| {})?)),
        Study::Writes(example, component) => {
            let labels = &request.plan.task.label_tokens;
            let written = writes(&subject, tokenizer, labels, (*example, *component), WORDS, cancel)?;
            Ok(Finding::Writes(*example, written))
        }
    }
}
