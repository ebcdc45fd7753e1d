//! A saved run with the model and the prompts that made it, for commands that ask the model again.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{options::ModelOptions, output::ProgressLine};
use crate::{
    component::{Component, Shape},
    error::{InputError, Result},
    experiments::RunContext,
    model::Model,
    run::Run,
    runner::{Plan, Rebuilt, find_example, rebuild},
    store,
};

/// A run, its model, and its prompts as they were.
pub(super) struct LoadedRun {
    pub(super) run: Run,
    pub(super) model: Model,
    pub(super) plan: Plan,
    pub(super) rebuilt: Rebuilt,
}

impl LoadedRun {
    /// Opens the run in `folder` and makes its prompts again.
    pub(super) fn open(folder: &Path, model: &ModelOptions, line: &mut ProgressLine) -> Result<Self> {
        let run = store::open(folder)?;
        line.stage("loading the model…");
        let model = model.or_of(&run.meta.model).load()?;
        line.stage("making prompts…");
        let plan = Plan::of(&run);
        let rebuilt = rebuild(&model, &plan)?;
        Ok(Self { run, model, plan, rebuilt })
    }

    pub(super) fn context(&self) -> Result<RunContext<'_>> {
        RunContext::new(&self.model, &self.plan, &self.rebuilt.prompts)
    }
}

/// One example of a run, for commands that look at a single prompt.
#[derive(Args, Debug)]
pub(super) struct ExampleOptions {
    /// Folder of the run
    #[arg(value_name = "RUN")]
    pub(super) run: PathBuf,
    /// The test example that is shown, by id [default: the first]
    #[arg(long, value_name = "ID")]
    example: Option<String>,
    #[command(flatten)]
    model: ModelOptions,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl ExampleOptions {
    /// Opens the run and finds the example, given as its place among the test examples, and `component` in the model.
    pub(super) fn open(&self, component: Component, line: &mut ProgressLine) -> Result<(LoadedRun, usize)> {
        let loaded = LoadedRun::open(&self.run, &self.model, line)?;
        index_of(loaded.plan.shape, component)?;
        let example = find_example(&loaded.plan, self.example.as_deref())?;
        Ok((loaded, example))
    }
}

/// The place of a component in a model of this shape.
pub(super) fn index_of(shape: Shape, component: Component) -> Result<usize> {
    shape.index(component).ok_or_else(|| {
        let problem = format!("the model has no component {component}");
        let cure = format!("it has {} layers of {} heads and an MLP", shape.layers, shape.heads);
        InputError::new(problem).cure(cure).into()
    })
}
