//! What a component adds on input that says nothing.

use super::job::{ColumnJob, ColumnSpec, Found, RunSize};
use crate::{
    analysis::atlas::Cell,
    attribution::{Attribution, argmax},
    error::{Error, Result},
    progress::{Meter, Progress},
    runner::{Event, Plan, PromptBuilder, Prompting, Prompts, RunRequest, execute},
    task::Library,
};

pub(super) const COLUMNS: &[ColumnSpec] = &[ColumnSpec {
    name: "label_prior",
    unit: "nats",
    source: "contribution to the label that the component favours on content-free input (`N/A`, empty, `[MASK]`; Zhao et al. \
             2021, arXiv 2102.09690), minus the mean over labels; from the least to the greatest of the three inputs",
}];

/// Three prompts.
pub(super) fn tokens(size: &RunSize) -> f64 {
    (size.prefix_tokens + 3 * size.own_tokens / size.prompts.max(1)) as f64
}

pub(super) fn measure(
    job: &ColumnJob<'_>,
    _: &'static [ColumnSpec],
    observe: &mut dyn FnMut(Progress),
) -> Result<Found> {
    if let Err(reason) = &job.rebuilt.layouts {
        return Ok(Found::Absent(reason.clone()));
    }
    let (plan, prompts) = match content_free(job) {
        Ok(planned) => planned,
        Err(Error::Input(error)) => return Ok(Found::Absent(error.problem)),
        Err(error) => return Err(error),
    };
    let mut meter = Meter::start(plan.test.len());
    let run = execute(job.model, plan, &prompts, job.cancel, &mut |event| {
        if let Event::Batch(_, batch) = event {
            observe(meter.advance(batch.examples));
        }
    })?;
    let components = 0..run.test.shape().components();
    Ok(Found::Columns(vec![components.map(|index| Some(favoured(&run.test, index))).collect()]))
}

/// Builds the content-free prompts of the run's task and demonstrations.
fn content_free(job: &ColumnJob<'_>) -> Result<(Plan, Prompts)> {
    let Some(request) = &job.plan.request else {
        return Err(
            crate::error::InputError::new("the run has explicit prompts, so there is no template to fill").into()
        );
    };
    let task = Library.task(&request.task)?;
    let prompting = Prompting { bos: job.rebuilt.bos, ..request.prompting };
    let builder = PromptBuilder::new(&task, &RunRequest { prompting, ..request.clone() })?;
    builder.plan_content_free(job.model)
}

/// Returns the contribution to the label with the largest mean, minus the mean over labels, with its range over inputs.
fn favoured(table: &Attribution, index: usize) -> Cell {
    let labels = table.labels();
    let centred: Vec<f64> = table
        .contribution(index)
        .chunks_exact(labels)
        .flat_map(|row| {
            let mean = row.iter().map(|&value| f64::from(value)).sum::<f64>() / labels as f64;
            row.iter().map(move |&value| f64::from(value) - mean)
        })
        .collect();
    let inputs = table.len().max(1) as f64;
    let mean = |label: usize| centred.iter().skip(label).step_by(labels).sum::<f64>() / inputs;
    let means: Vec<f64> = (0..labels).map(mean).collect();
    let label = argmax(&means);
    let own = || centred.iter().skip(label).step_by(labels).copied();
    Cell { value: means[label], lo: own().fold(f64::INFINITY, f64::min), hi: own().fold(f64::NEG_INFINITY, f64::max) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attribution::Batch, component::Shape};

    #[test]
    fn the_favoured_label_is_that_of_all_inputs_together() {
        let mut table = Attribution::new(Shape { layers: 1, heads: 1, labels: 2 }, vec![0, 0, 0]);
        let components = vec![1.0, 3.0, 2.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        table.push(&Batch { examples: 3, components, rest: vec![0.0; 6], full: vec![0.0; 6], norms: Vec::new() });
        let cell = favoured(&table, 0);
        assert_eq!((cell.lo, cell.hi), (-1.0, 2.0));
        assert!((cell.value - 2.0 / 3.0).abs() < 1e-12);
    }
}
