//! Methods that run prompts beyond those of a run, on the same labels and test examples.

use crate::{
    analysis::{
        Method,
        baseline::{Predictions, calib_plus, contextual_calibration, leave_one_out_calibration, linc},
        check::trainable,
        measures::Prediction,
        reweight::{comprw, comprw_released, partscope},
    },
    cancel::Cancel,
    error::Result,
    experiments::{RunContext, find_biased_heads, logits_without},
    model::Model,
    progress::Progress,
    run::Run,
    runner::{Event, Note, Plan, PromptBuilder, Prompts, obtain, obtain_logits},
    store::Store,
};

/// Unit of the prompts with the whole budget.
const ALL_SHOWN: &str = "prompts with all labelled examples";

/// What happens while prompts are run.
#[derive(Clone, Debug, PartialEq)]
pub enum PromptedEvent {
    /// A problem of the store.
    Note(Note),
    /// The progress, in this unit.
    Progress(&'static str, Progress),
}

/// Runs prompts and keeps their results.
struct Runner<'a> {
    model: &'a Model,
    store: &'a Store,
    cancel: &'a Cancel,
    observe: &'a mut dyn FnMut(PromptedEvent),
}

impl Runner<'_> {
    fn logits(&mut self, unit: &'static str, planned: Result<(Plan, Prompts)>) -> Result<Vec<f32>> {
        let (plan, prompts) = planned?;
        let observe = &mut |event| forward(unit, event, self.observe);
        obtain_logits(self.store, self.model, &plan, &prompts, self.cancel, observe)
    }

    fn run(&mut self, unit: &'static str, planned: Result<(Plan, Prompts)>) -> Result<Run> {
        let (plan, prompts) = planned?;
        let observe = &mut |event| forward(unit, event, self.observe);
        obtain(self.store, self.model, plan, &prompts, self.cancel, observe)
    }
}

fn forward(unit: &'static str, event: Event, observe: &mut dyn FnMut(PromptedEvent)) {
    match event {
        Event::Note(note) => observe(PromptedEvent::Note(note)),
        Event::Progress(progress) => observe(PromptedEvent::Progress(unit, progress)),
        _ => {}
    }
}

/// Runs the prompts that the other methods need, or reads their results from `store`, and predicts the test examples of
/// `run`: the whole budget as demonstrations, leave-one-out calibration and fits on leave-one-out prompts, the nearest
/// examples as demonstrations, and calibration on inputs that say nothing. `builder` is that of the run, without the
/// examples that it skipped.
///
/// # Errors
/// If a prompt cannot be built, the model fails, or it was cancelled.
pub fn prompted(
    builder: &PromptBuilder<'_>,
    run: &Run,
    model: &Model,
    store: &Store,
    cancel: &Cancel,
    observe: &mut dyn FnMut(PromptedEvent),
) -> Result<Predictions> {
    let (labels, full) = (run.test.labels(), run.test.full());
    let mut runner = Runner { model, store, cancel, observe };
    let mut predicted = shown_all(builder, run, &mut runner)?;
    let nearest = runner.logits("prompts with the nearest examples", builder.plan_nearest(model))?;
    predicted.push((Method::Prompts, Prediction::from_logits(&nearest)));
    let content_free = runner.logits("content-free prompts", builder.plan_content_free(model))?;
    predicted.push((Method::Contextual, contextual_calibration(&content_free, full, labels)));
    predicted.push((Method::Linc, linc(&run.train, &content_free, full, cancel)?));
    let in_domain = runner.logits("in-domain prompts", builder.plan_in_domain(model))?;
    predicted.push((Method::Domain, contextual_calibration(&in_domain, full, labels)));
    Ok(predicted)
}

/// Finds the heads that UniBias weights down on the training prompts of `run`, and predicts the test examples without them;
/// `None` if no training example has a prompt of its own. `builder` is that of the run, without the examples that it
/// skipped; `observe` receives the progress.
///
/// # Errors
/// If a prompt cannot be built, the model fails, or it was cancelled.
pub fn unbiased_heads(
    builder: &PromptBuilder<'_>,
    run: &Run,
    model: &Model,
    cancel: &Cancel,
    observe: &mut dyn FnMut(PromptedEvent),
) -> Result<Option<Prediction>> {
    if run.meta.prompt.loo.is_some() || builder.train.is_empty() {
        return Ok(None);
    }
    let (plan, prompts) = builder.on_training().plan(model)?;
    let context = RunContext::new(model, &plan, &prompts)?;
    let found = find_biased_heads(&context, cancel, &mut |it| observe(PromptedEvent::Progress("sets of heads", it)))?;
    if found.heads.is_empty() {
        return Ok(Some(Prediction::from_logits(run.test.full())));
    }
    let (plan, prompts) = builder.plan(model)?;
    let context = RunContext::new(model, &plan, &prompts)?;
    let observe = &mut |it| observe(PromptedEvent::Progress("prompts without the heads", it));
    Ok(Some(Prediction::Logits(logits_without(&context, &found, cancel, observe)?)))
}

/// Predictions with all labelled examples in the prompt: the model's own, leave-one-out calibration, and those of fits on
/// each labelled example behind the others. A leave-one-out run is fitted as it is and lacks the last.
fn shown_all(builder: &PromptBuilder<'_>, run: &Run, runner: &mut Runner<'_>) -> Result<Predictions> {
    if run.meta.prompt.loo.is_some() {
        return Ok(without_fits(run));
    }
    let Ok(left_out) = builder.leave_one_out() else {
        let logits = runner.logits(ALL_SHOWN, builder.whole_budget().plan(runner.model))?;
        return Ok(vec![(Method::StandardK, Prediction::from_logits(&logits))]);
    };
    let shown = runner.run(ALL_SHOWN, left_out.plan(runner.model))?;
    let (train, test, cancel) = (&shown.train, &shown.test, runner.cancel);
    let mut predicted = without_fits(&shown);
    if trainable(train, run.meta.task.class_names()).is_err() {
        return Ok(predicted);
    }
    predicted.push((Method::LooCalib, calib_plus(train, cancel)?.prediction(test.full())));
    for (method, fit) in [
        (Method::LooCompRw, comprw(train, cancel)?),
        (Method::LooCompRwReleased, comprw_released(train, cancel)?),
        (Method::LooPartscope, partscope(train, cancel)?),
    ] {
        predicted.push((method, Prediction::Logits(fit.mix.logits(test))));
    }
    Ok(predicted)
}

/// Returns what the model of a leave-one-out run predicts, and its leave-one-out calibration.
fn without_fits(Run { train, test, .. }: &Run) -> Predictions {
    let mut predicted = vec![(Method::StandardK, Prediction::from_logits(test.full()))];
    if !train.is_empty() {
        let calibrated = leave_one_out_calibration(train.full(), train.gold(), test.full(), test.labels());
        predicted.push((Method::Looc, calibrated));
    }
    predicted
}
