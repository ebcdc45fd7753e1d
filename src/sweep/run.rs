//! Computes cells of a sweep, model by model.

use std::collections::{BTreeMap, VecDeque};

use super::{
    event::{CellEvent, RunOptions},
    folder::SweepFolder,
    manifest::{PlannedModel, SweepCell},
    worker::{Outcome, Worker},
};
use crate::{cancel::Cancel, disk::Lease, error::Result, model::Model, runner::Note, store::Store};

/// What became of the cells.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RunSummary {
    /// Cells that this process computed.
    pub computed: usize,
    /// Cells that were done before, or by others.
    pub already_done: usize,
    /// Cells that failed, now or before.
    pub failed: usize,
    /// Cells whose model or task cannot be used.
    pub unusable: usize,
}

/// Computes the cells of `sweep` with the indices `chosen`, the cells of one model together. `load` loads a model. A cell
/// that another process is computing is left for later, and then waited for; one during which a process ended comes last
/// of its model.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled), or if the folder of the sweep cannot be written.
pub fn run(
    sweep: &SweepFolder,
    chosen: &[usize],
    options: RunOptions,
    load: &mut dyn FnMut(&PlannedModel) -> Result<Model>,
    store: &Store,
    cancel: &Cancel,
    observe: &mut dyn FnMut(CellEvent),
) -> Result<RunSummary> {
    let mut summary = RunSummary::default();
    let mut queue = open_cells(sweep, chosen, options, &mut summary)?;
    let mut left = queue.len();
    let mut worker = Worker::new(sweep, options, (store, cancel), load, observe);
    let mut busy = VecDeque::new();
    while let Some((cell, waits)) =
        queue.pop_front().map(|cell| (cell, false)).or_else(|| Some((busy.pop_front()?, true)))
    {
        cancel.check()?;
        if !worker.can_use(cell) {
            summary.unusable += 1;
        } else if sweep.is_done(cell) {
            summary.already_done += 1;
        } else {
            let Some(lease) = lease(sweep, cell, waits, cancel, worker.observe)? else {
                busy.push_back(cell);
                continue;
            };
            match worker.compute(cell, &lease)? {
                Outcome::Computed => summary.computed += 1,
                Outcome::AlreadyDone => summary.already_done += 1,
                Outcome::Failed => summary.failed += 1,
                Outcome::Unusable => summary.unusable += 1,
            }
        }
        left -= 1;
        (worker.observe)(CellEvent::Left(left));
    }
    Ok(summary)
}

/// Returns the cells that are neither done nor failed, model by model; counts the others.
fn open_cells<'a>(
    sweep: &'a SweepFolder,
    chosen: &[usize],
    options: RunOptions,
    summary: &mut RunSummary,
) -> Result<VecDeque<&'a SweepCell>> {
    let (done, failed, killed) = (sweep.done(), sweep.failed(), sweep.killed());
    let mut by_model: BTreeMap<(usize, bool), Vec<&SweepCell>> = BTreeMap::new();
    for cell in chosen.iter().map(|&at| &sweep.manifest.cells[at]) {
        if done.contains(&cell.id) {
            summary.already_done += 1;
        } else if failed.contains_key(&cell.id) && !options.retry {
            summary.failed += 1;
        } else {
            if failed.contains_key(&cell.id) {
                sweep.forget(cell)?;
            }
            by_model.entry((cell.model, killed.contains_key(&cell.id))).or_default().push(cell);
        }
    }
    Ok(by_model.into_values().flatten().collect())
}

/// Takes the lease on a cell; `None` if another process has it, unless it `waits` for that.
fn lease(
    sweep: &SweepFolder,
    cell: &SweepCell,
    waits: bool,
    cancel: &Cancel,
    observe: &mut dyn FnMut(CellEvent),
) -> Result<Option<Lease>> {
    if waits {
        let waiting = &mut || observe(CellEvent::Note(Note::Waiting));
        Lease::acquire(&sweep.lease_path(cell)?, cancel, waiting).map(Some)
    } else {
        sweep.try_lease(cell)
    }
}
