//! A saved run with the model and the prompts that made it, for commands that ask the model again.

use std::path::Path;

use super::{options::ModelOptions, output::ProgressLine};
use crate::{
    cause::Subject,
    error::Result,
    model::Model,
    run::Run,
    runner::{Plan, Rebuilt, rebuild},
    store,
};

/// A run, its model, and its prompts as they were.
pub(super) struct Loaded {
    pub(super) run: Run,
    pub(super) model: Model,
    pub(super) plan: Plan,
    pub(super) rebuilt: Rebuilt,
}

impl Loaded {
    /// Opens the run in `folder` and makes its prompts again.
    pub(super) fn open(folder: &Path, model: &ModelOptions, line: &mut ProgressLine) -> Result<Self> {
        let run = store::open(folder)?;
        line.stage("loading the model…");
        let model = model.load()?;
        line.stage("making prompts…");
        let plan = Plan::of(&run);
        let rebuilt = rebuild(&model, &plan)?;
        Ok(Self { run, model, plan, rebuilt })
    }

    pub(super) fn subject(&self) -> Result<Subject<'_>> {
        Subject::new(&self.model, &self.plan, &self.rebuilt.prompts)
    }
}
