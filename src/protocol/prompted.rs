//! Methods that run prompts beyond those of a run, on the same labels and test examples.

use crate::{
    analysis::{
        Method,
        baseline::{calib_plus, contextual_calibration},
        check::trainable,
        predict::predictions,
        reweight::{comprw, comprw_released, partscope},
    },
    cancel::Cancel,
    error::Result,
    model::Model,
    run::Run,
    runner::{Event, Note, PromptBuilder, obtain, obtain_logits},
    store::Store,
};

/// Predicted label of every test example, `[N]`, by method.
pub type Predicted = Vec<(Method, Vec<usize>)>;

/// Runs the prompts that the baselines of `run` need, or reads their results from `store`, and predicts its test
/// examples: the whole budget as demonstrations, the nearest examples as demonstrations, contextual calibration, and the
/// fits on leave-one-out prompts. `builder` is that of the run, without the examples that it skipped.
///
/// # Errors
/// If a prompt cannot be built, the model fails, or it was cancelled.
pub fn prompted(
    builder: &PromptBuilder<'_>,
    run: &Run,
    model: &Model,
    store: &Store,
    cancel: &Cancel,
    note: &mut dyn FnMut(Note),
) -> Result<Predicted> {
    let labels = run.test.labels();
    let mut predicted = shown_all(builder, run, model, store, cancel, note)?;
    let mut logits = |planned: Result<(_, _)>| -> Result<Vec<f32>> {
        let (plan, prompts) = planned?;
        obtain_logits(store, model, &plan, &prompts, cancel, note)
    };
    predicted.push((Method::Prompts, predictions(&logits(builder.plan_nearest(model))?, labels)));
    let content_free = logits(builder.plan_content_free(model))?;
    predicted.push((Method::Contextual, contextual_calibration(&content_free, &run.test)));
    Ok(predicted)
}

/// Predictions with all labelled examples in the prompt: the model's own, and those of fits on each labelled example
/// behind the others. A leave-one-out run is fitted as it is and has only the first.
fn shown_all(
    builder: &PromptBuilder<'_>,
    run: &Run,
    model: &Model,
    store: &Store,
    cancel: &Cancel,
    note: &mut dyn FnMut(Note),
) -> Result<Predicted> {
    let labels = run.test.labels();
    if run.meta.prompt.loo.is_some() {
        return Ok(vec![(Method::StandardK, predictions(run.test.full(), labels))]);
    }
    let Ok(left_out) = builder.leave_one_out() else {
        let (plan, prompts) = builder.whole_budget().plan(model)?;
        let logits = obtain_logits(store, model, &plan, &prompts, cancel, note)?;
        return Ok(vec![(Method::StandardK, predictions(&logits, labels))]);
    };
    let (plan, prompts) = left_out.plan(model)?;
    let Run { train, test, .. } = obtain(store, model, plan, &prompts, cancel, &mut |event| {
        if let Event::Note(from_store) = event {
            note(from_store);
        }
    })?;
    let mut predicted = vec![(Method::StandardK, predictions(test.full(), labels))];
    if trainable(&train, &run.meta.task.label_words).is_err() {
        return Ok(predicted);
    }
    predicted.push((Method::LooCalib, calib_plus(&train, cancel)?.predictions(test.full())));
    for (method, fit) in [
        (Method::LooCompRw, comprw(&train, cancel)?),
        (Method::LooCompRwReleased, comprw_released(&train, cancel)?),
        (Method::LooPartscope, partscope(&train, cancel)?),
    ] {
        predicted.push((method, fit.mix.predictions(&test)));
    }
    Ok(predicted)
}
