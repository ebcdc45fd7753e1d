//! Computes one cell after another, and keeps the model and the tasks between them.

use std::{
    collections::{BTreeMap, HashSet},
    time::Instant,
};

use super::{
    event::{CellEvent, RunOptions},
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
    protocol::{ProtocolCell, ProtocolRow},
    store::Store,
    task::{Library, Task},
};

/// What became of a cell.
pub(super) enum Outcome {
    Computed,
    AlreadyDone,
    Failed,
    Unusable,
}

/// What is kept from cell to cell.
pub(super) struct Worker<'a> {
    sweep: &'a SweepFolder,
    options: RunOptions,
    store: &'a Store,
    cancel: &'a Cancel,
    load: &'a mut dyn FnMut(&PlannedModel) -> Result<Model>,
    pub(super) observe: &'a mut dyn FnMut(CellEvent),
    /// The model that is loaded, with its index.
    model: Option<(usize, Model)>,
    /// Models that cannot be used.
    unusable: HashSet<usize>,
    /// Tasks that were read; `None` for those that cannot be used.
    tasks: BTreeMap<usize, Option<Task>>,
    /// Where the times of cells are written, once there are some.
    rates: Option<AppendFile>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        sweep: &'a SweepFolder,
        options: RunOptions,
        (store, cancel): (&'a Store, &'a Cancel),
        load: &'a mut dyn FnMut(&PlannedModel) -> Result<Model>,
        observe: &'a mut dyn FnMut(CellEvent),
    ) -> Self {
        let (tasks, unusable) = (BTreeMap::new(), HashSet::new());
        Self { sweep, options, store, cancel, load, observe, model: None, unusable, tasks, rates: None }
    }

    /// Returns whether the task and, as far as it is known, the model of `cell` can be used. Reports once that they cannot.
    pub(super) fn can_use(&mut self, cell: &SweepCell) -> bool {
        let planned = &self.sweep.manifest.tasks[cell.task];
        let observe = &mut self.observe;
        let mut read = || match Library.task(&planned.source) {
            Ok(task) if task_hash(&task) == planned.hash => Some(task),
            Ok(_) => {
                let problem = format!("the task `{}` has changed since the sweep was planned", planned.source);
                observe(CellEvent::Unusable(changed(problem).to_string()));
                None
            }
            Err(error) => {
                observe(CellEvent::Unusable(error.to_string()));
                None
            }
        };
        self.tasks.entry(cell.task).or_insert_with(&mut read).is_some() && !self.unusable.contains(&cell.model)
    }

    /// Computes `cell` under its lease.
    pub(super) fn compute(&mut self, cell: &SweepCell, lease: &Lease) -> Result<Outcome> {
        if self.sweep.is_done(cell) {
            return Ok(Outcome::AlreadyDone);
        }
        if lease.took_over() {
            let kills = self.sweep.add_kill(cell)?;
            if kills >= self.options.max_kills {
                let reason = format!("processes that computed it ended without a word: {kills}");
                return self.failed(cell, reason);
            }
        }
        if !self.has_model(cell.model)? {
            return Ok(Outcome::Unusable);
        }
        let started = Instant::now();
        match self.measure(cell) {
            Ok(None) => Ok(Outcome::Unusable),
            Ok(Some(result)) => {
                self.sweep.record(cell, &result)?;
                self.note_time(cell, started.elapsed().as_secs_f64());
                Ok(Outcome::Computed)
            }
            Err(Error::Cancelled) => Err(Error::Cancelled),
            Err(error) => self.failed(cell, error.to_string()),
        }
    }

    /// Loads the model with this index in place of another one, unless it cannot be used.
    fn has_model(&mut self, index: usize) -> Result<bool> {
        if self.model.as_ref().is_some_and(|(own, _)| *own == index) {
            return Ok(true);
        }
        self.model = None;
        let planned = &self.sweep.manifest.models[index];
        let loaded = (self.load)(planned).and_then(|model| {
            let expected = self.sweep.expected_weights(index, &model.meta.weights_hash)?;
            same_weights(planned, model, &expected)
        });
        match loaded {
            Ok(model) => self.model = Some((index, model)),
            Err(error @ (Error::Cancelled | Error::Write { .. })) => return Err(error),
            Err(error) => {
                self.unusable.insert(index);
                (self.observe)(CellEvent::Unusable(error.to_string()));
            }
        }
        Ok(self.model.is_some())
    }

    /// Runs the model, or reads its results from the store, and scores every method.
    fn measure(&mut self, cell: &SweepCell) -> Result<Option<CellResult>> {
        let (Some((_, model)), Some(Some(task))) = (&self.model, self.tasks.get(&cell.task)) else { return Ok(None) };
        let observe = &mut self.observe;
        let settings = self.sweep.manifest.common.settings(cell.budget, cell.shots);
        let measured = catch(|| -> Result<ProtocolRow> {
            let template = task.template(Some(&cell.template))?;
            let planned = ProtocolCell { task, template, seed: cell.seed, counted: cell.counted };
            planned.measure(&settings, model, self.store, self.cancel, &mut |note| observe(CellEvent::Note(note)))
        });
        let row = measured.map_err(|panic| Error::Model(format!("a mistake of the program: {panic}")))??;
        let (processor, weights_hash) = (arithmetic()?.to_owned(), model.meta.weights_hash.clone());
        Ok(Some(CellResult { processor, weights_hash, row }))
    }

    /// Writes how long a cell took, for the expected end only: the sweep does not need it.
    fn note_time(&mut self, cell: &SweepCell, seconds: f64) {
        if self.rates.is_none() {
            self.rates = self.sweep.rates_file().ok();
        }
        if let Some(file) = &mut self.rates {
            let _ = file.append(format!("{} {seconds}\n", cell.id).as_bytes());
        }
    }

    fn failed(&mut self, cell: &SweepCell, reason: String) -> Result<Outcome> {
        (self.observe)(CellEvent::Failed(self.sweep.manifest.name(cell), reason.clone()));
        self.sweep.fail(cell, reason)?;
        Ok(Outcome::Failed)
    }
}

/// Checks that `model` has the weights with the checksum `expected`.
fn same_weights(planned: &PlannedModel, model: Model, expected: &str) -> Result<Model> {
    if model.meta.weights_hash == expected {
        return Ok(model);
    }
    let problem = format!(
        "the model `{}` has changed since the sweep was planned: its weights have the checksum {}, not {expected}",
        planned.name, model.meta.weights_hash
    );
    Err(changed(problem).into())
}

fn changed(problem: String) -> InputError {
    InputError::new(problem).help("restore its files, or plan again into a new folder")
}
