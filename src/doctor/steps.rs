//! Steps of a check, and their progress.

use crate::{
    model::inspect::Inspection,
    progress::{Meter, Progress},
};

/// A step of [`examine`](super::examine).
#[derive(Debug)]
pub enum Step<'a> {
    /// The facts from the headers are known; the weights are read next.
    Inspected(&'a Inspection),
    /// This begins.
    Stage(&'static str),
    /// The progress of the stage, in this unit.
    Progress(&'static str, Progress),
}

/// Receives the steps of a check.
pub(super) type Observer<'a> = dyn FnMut(Step<'_>) + 'a;

/// Calls `compute` for each item and reports the progress in `unit`.
pub(super) fn each<T, R, E>(
    items: &[T],
    unit: &'static str,
    observe: &mut Observer<'_>,
    mut compute: impl FnMut(&T) -> std::result::Result<R, E>,
) -> std::result::Result<Vec<R>, E> {
    let mut meter = Meter::start(items.len());
    let mut one = |item| {
        let done = compute(item)?;
        observe(Step::Progress(unit, meter.advance(1)));
        Ok(done)
    };
    items.iter().map(&mut one).collect()
}
