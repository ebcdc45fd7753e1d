//! Workers that rerun the model on the prompts of a run. Long and quick experiments have separate workers, so that
//! quick ones do not wait.
//!
//! The workers share the model weights with the model worker. Jobs of one worker never cancel those of another.

use std::{io, sync::Arc, time::Duration};

use super::{
    model::SharedModel,
    worker::{Tagged, Worker},
};
use crate::{
    analysis::{
        Mix,
        logit_scores::{LogitScores, logit_scores},
    },
    attribution::{Attribution, F32_TOLERANCE},
    cancel::Cancel,
    component::Component,
    decompose::LabelProjection,
    error::{Error, Result},
    experiments::{
        Ablation, AttentionPattern, LogitLens, Rerun, RunContext, Shares, Sweep, attention_pattern, attention_shares,
        layer_lens, logit_lens, price, rerun, sweep,
    },
    model::{LoadOptions, Model, Source},
    progress::Progress,
    runner::{Plan, Rebuilt, check_prompts, rebuild},
};

/// Words listed on each side of a logit lens.
const WORDS: usize = 24;

/// A request for an experiment on a run.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentRequest {
    /// Id of the run; echoed in the events.
    pub run: u64,
    /// Prompts of the run.
    pub plan: Arc<Plan>,
    /// Test split of the run.
    pub table: Arc<Attribution>,
    /// Whether the run was computed in this session or has checksums, so that its prompts belong to its table.
    pub is_verified: bool,
    /// The experiment.
    pub experiment: Experiment,
}

/// An experiment on a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Experiment {
    /// Apply a mix inside the forward pass.
    Rerun(Mix, Ablation),
    /// Estimate the time of a sweep.
    Cost(Ablation),
    /// Ablate each component in turn.
    Sweep(Ablation),
    /// Attention of all heads in the test example with this index.
    Attention(usize),
    /// Mean attention of all heads to each part of the prompt.
    Shares,
    /// Logit lens of a component in the test example with this index.
    LogitLens(usize, Component),
    /// Label words read from the residual stream by layer, on all test examples.
    LensByLayer,
}

/// Scores of the residual stream after the attention and after the MLP of every layer, `[2L]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerScores {
    /// Under the final norm with each stream's own scale.
    pub own: Vec<LogitScores>,
    /// Number of test examples.
    pub examples: usize,
}

/// An event of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub enum ExperimentEvent {
    /// The model is being loaded.
    Loading,
    /// Progress of the experiment.
    Progress(Progress),
    /// The result; a sweep also emits partial results.
    Result {
        /// Id from the request.
        run: u64,
        /// The result.
        result: Box<ExperimentResult>,
    },
    /// The experiment was cancelled; earlier partial results stay valid.
    Cancelled,
    /// The error message of a failed experiment.
    Failed(String),
}

/// Result of an [`Experiment`].
#[derive(Clone, Debug, PartialEq)]
pub enum ExperimentResult {
    /// A rerun with the mix applied.
    Rerun(Box<Rerun>),
    /// Estimated time of a sweep.
    Cost(Ablation, Duration),
    /// Effects of ablating each component, over the examples done so far.
    Sweep(Sweep),
    /// Attention in the test example with this index.
    Attention(usize, AttentionPattern),
    /// Mean attention by part of the prompt.
    Shares(Shares),
    /// Logit lens of a component in the test example with this index.
    LogitLens(usize, LogitLens),
    /// Scores of the residual stream by layer.
    LensByLayer(LayerScores),
}

/// Starts an experiment worker on a thread called `name`; a new request cancels the previous one.
///
/// # Errors
/// If the thread cannot be started.
pub fn experiment_worker(
    name: &str,
    source: Source,
    options: LoadOptions,
    shared: SharedModel,
    listen: impl Fn(Tagged<ExperimentEvent>) + Send + 'static,
) -> io::Result<Worker<ExperimentRequest>> {
    let work = move |cache: &mut Option<PlanCache>,
                     request: ExperimentRequest,
                     cancel: &Cancel,
                     emit: &mut dyn FnMut(ExperimentEvent)| {
        let model = shared.get(&source, &options, &mut |_| emit(ExperimentEvent::Loading));
        let outcome = model.and_then(|model| {
            let cache = PlanCache::get(cache, &model, &request, cancel)?;
            cancel.check()?;
            run(&model, cache, &request, cancel, emit)
        });
        match outcome {
            Ok(result) => emit(ExperimentEvent::Result { run: request.run, result: Box::new(result) }),
            Err(Error::Cancelled) => emit(ExperimentEvent::Cancelled),
            Err(error) => emit(ExperimentEvent::Failed(error.to_string())),
        }
    };
    Worker::spawn(name, || None, work, ExperimentEvent::Failed, listen)
}

/// Prompts and label projection of a plan, cached between experiments.
struct PlanCache {
    plan: Arc<Plan>,
    rebuilt: Rebuilt,
    projection: LabelProjection,
}

impl PlanCache {
    /// Returns the cache in `slot` if it belongs to the plan of `request`; otherwise rebuilds it.
    fn get<'a>(
        slot: &'a mut Option<Self>,
        model: &Model,
        request: &ExperimentRequest,
        cancel: &Cancel,
    ) -> Result<&'a Self> {
        let plan = &request.plan;
        if let Some(cache) = slot.take().filter(|cache| Arc::ptr_eq(&cache.plan, plan)) {
            return Ok(slot.insert(cache));
        }
        let rebuilt = rebuild(model, plan)?;
        if !request.is_verified {
            check_prompts(model, plan, &rebuilt.prompts, &request.table, cancel)?;
        }
        let projection = LabelProjection::new(&model.decoder, &plan.task.label_tokens)?;
        Ok(slot.insert(Self { plan: plan.clone(), rebuilt, projection }))
    }
}

fn run(
    model: &Model,
    cache: &PlanCache,
    request: &ExperimentRequest,
    cancel: &Cancel,
    emit: &mut dyn FnMut(ExperimentEvent),
) -> Result<ExperimentResult> {
    let PlanCache { plan, rebuilt, projection } = cache;
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
                    let result = Box::new(ExperimentResult::Sweep(partial.clone()));
                    emit(ExperimentEvent::Result { run: request.run, result });
                }
            })?;
            Ok(ExperimentResult::Sweep(swept))
        }
        Experiment::Attention(example) => Ok(ExperimentResult::Attention(
            *example,
            attention_pattern(&context, tokenizer, rebuilt, *example, cancel)?,
        )),
        Experiment::Shares => {
            let mut observe = |progress| emit(ExperimentEvent::Progress(progress));
            Ok(ExperimentResult::Shares(attention_shares(&context, tokenizer, rebuilt, cancel, &mut observe)?))
        }
        Experiment::LensByLayer => {
            let mut observe = |progress| emit(ExperimentEvent::Progress(progress));
            let lens = layer_lens(&context, cancel, &mut observe)?;
            if !lens.exactness(request.table.full(), request.table.labels()).holds(F32_TOLERANCE) {
                return Err(Error::Model("the lens does not end in the run's own logits".to_owned()));
            }
            let own = logit_scores(&lens.own, request.table.gold(), request.table.labels());
            Ok(ExperimentResult::LensByLayer(LayerScores { own, examples: request.table.len() }))
        }
        Experiment::LogitLens(example, component) => {
            let labels = &request.plan.task.label_tokens;
            let lens = logit_lens(&context, tokenizer, labels, (*example, *component), WORDS, cancel)?;
            Ok(ExperimentResult::LogitLens(*example, lens))
        }
    }
}
