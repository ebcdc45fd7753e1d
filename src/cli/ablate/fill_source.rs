//! The run of `--fill-from`, whose prompts give replacement values.

use std::{fmt, path::Path};

use serde::Serialize;

use super::super::context::{LoadedRun, open_run};
use crate::{
    error::{Error, Result},
    experiments::{Ablation, RunContext},
    model::Model,
    run::Run,
    runner::{Plan, Rebuilt, pair, rebuild, run_key},
    store::EntryKey,
    text::printable,
};

/// An opened run of `--fill-from`.
pub(super) struct OpenedSource<'a> {
    folder: &'a Path,
    plan: Plan,
    /// Its row for every test example of the run.
    rows: Vec<usize>,
}

impl<'a> OpenedSource<'a> {
    /// Opens the run in `folder` and pairs its test examples with those of `run`.
    pub(super) fn open(folder: &'a Path, run: &Run) -> Result<Self> {
        let plan = Plan::from_run(&open_run(folder)?);
        let rows = pair(&Plan::from_run(run), &plan).map_err(|error| located(error, folder))?;
        Ok(Self { folder, plan, rows })
    }

    /// Rebuilds its prompts.
    pub(super) fn load(self, model: &Model) -> Result<FillSource<'a>> {
        let Self { folder, plan, rows } = self;
        let rebuilt = rebuild(model, &plan).map_err(|error| located(error, folder))?;
        let key = run_key(model, &plan, &rebuilt.prompts);
        Ok(FillSource { folder, plan, rows, rebuilt, key })
    }
}

/// A run of `--fill-from` with its prompts.
pub(super) struct FillSource<'a> {
    folder: &'a Path,
    plan: Plan,
    rows: Vec<usize>,
    rebuilt: Rebuilt,
    key: EntryKey,
}

/// A run of `--fill-from` in results.
#[derive(Clone, Serialize)]
pub(super) struct FillFrom {
    run: String,
    /// Its key: a hash of its model, prompts and labels.
    key: String,
    task: String,
    template: String,
    demo_seed: u64,
}

impl FillSource<'_> {
    /// Lets `context`, that of `loaded`, take its replacement values from this run.
    pub(super) fn attach<'c>(
        &'c self,
        context: RunContext<'c>,
        loaded: &'c LoadedRun,
        ablation: Ablation,
    ) -> Result<RunContext<'c>> {
        let there = (&self.plan, &self.rebuilt.prompts);
        context
            .fill_from(&loaded.model, there, self.rows.clone(), ablation)
            .map_err(|error| located(error, self.folder))
    }

    /// Describes the run in results.
    pub(super) fn describe(&self) -> FillFrom {
        let Plan { task, prompt, .. } = &self.plan;
        FillFrom {
            run: self.folder.display().to_string(),
            key: self.key.to_string(),
            task: task.name.clone(),
            template: task.template.clone(),
            demo_seed: prompt.demo_seed,
        }
    }

    /// Returns the first digits of its key, for names of files.
    pub(super) fn short_key(&self) -> &str {
        &self.key.as_str()[..12]
    }
}

impl fmt::Display for FillFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, task, template, demo_seed, .. } = self;
        write!(f, "{} ({})", printable(run), printable(&format!("{task}/{template}/{demo_seed}")))
    }
}

/// Returns a phrase that names the run of `--fill-from`, if there is one.
pub(super) fn from(source: Option<&FillFrom>) -> String {
    source.map(|source| format!(", values from {source}")).unwrap_or_default()
}

/// Adds the folder to an error about its run.
fn located(error: Error, folder: &Path) -> Error {
    match error {
        Error::Input(error) => error.path(folder).into(),
        error => error,
    }
}
