//! Computes cells of a sweep, model by model.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    time::Instant,
};

use super::{
    folder::SweepFolder,
    manifest::{PlannedModel, SweepCell},
    plan::task_hash,
    result::CellResult,
};
use crate::{
    cancel::Cancel,
    catch_panic::catch,
    disk::{AppendFile, Lease},
    error::{Error, InputError, Result},
    model::{Model, arithmetic},
    protocol::ProtocolCell,
    runner::Note,
    store::Store,
    task::{Library, Task},
};

/// What to do about cells that failed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Whether they are computed again.
    pub retry_failed: bool,
    /// After how many processes ended without a word during a cell it counts as failed.
    pub max_kills: u64,
}

/// Event of [`run`].
#[derive(Clone, Debug, PartialEq)]
pub enum CellEvent {
    /// A cell is done or failed; the number of cells that are left.
    Left(usize),
    /// A note about the store.
    Note(Note),
    /// A cell failed, with its name and the reason.
    Failed(String, String),
    /// A model or task cannot be used; its cells stay to be computed.
    Unusable(String),
}

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
/// that another process is computing is left for later, and then waited for; one during which a process ended comes last.
///
/// # Errors
/// [`Error::Cancelled`], or if the folder of the sweep cannot be written.
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
    let (done, failed, killed) = (sweep.done(), sweep.failed(), sweep.killed());
    let mut by_model: BTreeMap<usize, Vec<&SweepCell>> = BTreeMap::new();
    let mut left = 0;
    for cell in chosen.iter().map(|&at| &sweep.manifest.cells[at]) {
        if done.contains(&cell.id) {
            summary.already_done += 1;
        } else if failed.contains_key(&cell.id) && !options.retry_failed {
            summary.failed += 1;
        } else {
            if options.retry_failed {
                sweep.forget(cell)?;
            }
            by_model.entry(cell.model).or_default().push(cell);
            left += 1;
        }
    }
    let mut worker = Worker { sweep, options, store, cancel, tasks: BTreeMap::new(), unusable: HashSet::new(), rates: None };
    for (index, mut cells) in by_model {
        cells.sort_by_key(|cell| killed.contains_key(&cell.id));
        let mut model = None;
        let mut queue: VecDeque<(&SweepCell, bool)> = cells.into_iter().map(|cell| (cell, false)).collect();
        while let Some((cell, waits)) = queue.pop_front() {
            cancel.check()?;
            let lease = if waits {
                Some(Lease::acquire(&sweep.lease_path(cell)?, cancel, &mut || observe(CellEvent::Note(Note::Waiting)))?)
            } else {
                sweep.try_lease(cell)?
            };
            let Some(lease) = lease else {
                queue.push_back((cell, true));
                continue;
            };
            match worker.compute(index, cell, &lease, &mut model, load, observe)? {
                Outcome::Computed => summary.computed += 1,
                Outcome::AlreadyDone => summary.already_done += 1,
                Outcome::Failed => summary.failed += 1,
                Outcome::Unusable => summary.unusable += 1,
            }
            left -= 1;
            observe(CellEvent::Left(left));
        }
    }
    Ok(summary)
}

enum Outcome {
    Computed,
    AlreadyDone,
    Failed,
    Unusable,
}

/// What is kept from cell to cell.
struct Worker<'a> {
    sweep: &'a SweepFolder,
    options: RunOptions,
    store: &'a Store,
    cancel: &'a Cancel,
    tasks: BTreeMap<usize, Option<Task>>,
    /// Models that cannot be used.
    unusable: HashSet<usize>,
    /// Where the times of cells are written, once there are some.
    rates: Option<AppendFile>,
}

impl Worker<'_> {
    fn compute(
        &mut self,
        index: usize,
        cell: &SweepCell,
        lease: &Lease,
        model: &mut Option<Model>,
        load: &mut dyn FnMut(&PlannedModel) -> Result<Model>,
        observe: &mut dyn FnMut(CellEvent),
    ) -> Result<Outcome> {
        let sweep = self.sweep;
        if sweep.is_done(cell) {
            return Ok(Outcome::AlreadyDone);
        }
        if lease.took_over() {
            let kills = sweep.add_kill(cell)?;
            if kills >= self.options.max_kills {
                let reason = format!("{kills} processes ended without a word while they computed it");
                return self.failed(cell, reason, observe);
            }
        }
        if !self.has_task(cell.task, observe) || self.unusable.contains(&index) {
            return Ok(Outcome::Unusable);
        }
        if model.is_none() {
            match load(&sweep.manifest.models[index])
                .and_then(|model| same_weights(&sweep.manifest.models[index], model))
            {
                Ok(loaded) => *model = Some(loaded),
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(error) => {
                    self.unusable.insert(index);
                    observe(CellEvent::Unusable(error.to_string()));
                    return Ok(Outcome::Unusable);
                }
            }
        }
        let (Some(model), Some(Some(task))) = (&*model, self.tasks.get(&cell.task)) else {
            return Ok(Outcome::Unusable);
        };
        let started = Instant::now();
        let note = &mut |note| observe(CellEvent::Note(note));
        let measured = catch(|| {
            let (template, settings) =
                (task.template(Some(&cell.template))?, sweep.manifest.common.settings(cell.budget, cell.shots));
            let planned = ProtocolCell { task, template, seed: cell.seed, counted: cell.counted };
            planned.measure(&settings, model, self.store, self.cancel, note)
        });
        let row = match measured {
            Ok(Ok(row)) => row,
            Ok(Err(Error::Cancelled)) => return Err(Error::Cancelled),
            Ok(Err(error)) => return self.failed(cell, error.to_string(), observe),
            Err(panic) => return self.failed(cell, format!("a mistake of the program: {panic}"), observe),
        };
        let processor = arithmetic()?.to_owned();
        sweep.record(cell, &CellResult { processor, weights_hash: model.meta.weights_hash.clone(), row })?;
        // Times are for the expected end only.
        let line = format!("{} {}\n", cell.id, started.elapsed().as_secs_f64());
        if self.rates.is_none() {
            self.rates = sweep.rates_file().ok();
        }
        if let Some(file) = &mut self.rates {
            let _ = file.append(line.as_bytes());
        }
        Ok(Outcome::Computed)
    }

    fn failed(&self, cell: &SweepCell, reason: String, observe: &mut dyn FnMut(CellEvent)) -> Result<Outcome> {
        observe(CellEvent::Failed(self.sweep.manifest.name(cell), reason.clone()));
        self.sweep.fail(cell, reason)?;
        Ok(Outcome::Failed)
    }

    /// Reads a task, unless it was read before; reports once that it cannot be used.
    fn has_task(&mut self, index: usize, observe: &mut dyn FnMut(CellEvent)) -> bool {
        let planned = &self.sweep.manifest.tasks[index];
        let read = || {
            let task = Library.task(&planned.source)?;
            if task_hash(&task) == planned.hash {
                return Ok(task);
            }
            let problem = format!("the task `{}` has changed since the sweep was planned", planned.source);
            Err(Error::from(InputError::new(problem).help("restore it, or plan again into a new folder")))
        };
        let known = self
            .tasks
            .entry(index)
            .or_insert_with(|| read().map_err(|error| observe(CellEvent::Unusable(error.to_string()))).ok());
        known.is_some()
    }
}

/// Checks that `model` has the weights for which the sweep was planned.
fn same_weights(planned: &PlannedModel, model: Model) -> Result<Model> {
    match &planned.weights_hash {
        Some(hash) if *hash != model.meta.weights_hash => {
            let problem = format!(
                "the model `{}` has changed since the sweep was planned: its weights have the checksum {}, not {hash}",
                planned.name, model.meta.weights_hash
            );
            Err(InputError::new(problem).help("restore its files, or plan again into a new folder").into())
        }
        _ => Ok(model),
    }
}
