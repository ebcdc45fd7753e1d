//! A saved run with its model and prompts, for commands that run the model again.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    options::ModelOptions,
    output::{ProgressLine, warn},
};
use crate::{
    cancel::Cancel,
    component::{Component, Shape},
    error::{InputError, Result},
    experiments::RunContext,
    model::Model,
    run::Run,
    runner::{Plan, Rebuilt, check_prompts, find_example, rebuild},
    store,
};

/// Opens the run in `folder`, and says on standard error if it has no checksums.
pub(super) fn open_run(folder: &Path) -> Result<Run> {
    let run = store::open(folder)?;
    warn_without_checksums(folder, &run);
    Ok(run)
}

/// As [`open_run`], with the hidden states if the run has them.
pub(super) fn open_run_with_hidden(folder: &Path) -> Result<Run> {
    let run = store::open_with_hidden(folder)?;
    warn_without_checksums(folder, &run);
    Ok(run)
}

fn warn_without_checksums(folder: &Path, run: &Run) {
    if !run.meta.has_checksums() {
        warn(&format!(
            "{}: the run has no checksums, so later changes to its files cannot be noticed; `partscope run` writes them",
            folder.display()
        ));
    }
}

/// A run with its model and its rebuilt prompts.
pub(super) struct LoadedRun {
    pub(super) run: Run,
    pub(super) model: Model,
    pub(super) plan: Plan,
    pub(super) rebuilt: Rebuilt,
}

impl LoadedRun {
    /// Opens the run in `folder`, loads its model and rebuilds its prompts.
    pub(super) fn open(folder: &Path, model: &ModelOptions, line: &mut ProgressLine) -> Result<Self> {
        Self::load(open_run(folder)?, model, line)
    }

    /// Loads the model of `run` and rebuilds its prompts.
    pub(super) fn load(run: Run, model: &ModelOptions, line: &mut ProgressLine) -> Result<Self> {
        line.stage("loading the model…");
        let model = model.for_run(&run.meta.model).load()?;
        line.stage("building prompts…");
        let plan = Plan::from_run(&run);
        let rebuilt = rebuild(&model, &plan)?;
        let loaded = Self { run, model, plan, rebuilt };
        if !loaded.run.meta.has_checksums() {
            line.stage("checking the prompts…");
            let Self { run, model, plan, rebuilt } = &loaded;
            check_prompts(model, plan, &rebuilt.prompts, &run.test, &Cancel::default())?;
        }
        Ok(loaded)
    }

    pub(super) fn context(&self) -> Result<RunContext<'_>> {
        RunContext::new(&self.model, &self.plan, &self.rebuilt.prompts)
    }
}

/// One example of a run.
#[derive(Args, Debug)]
pub(super) struct ExampleOptions {
    /// Folder of the run
    #[arg(value_name = "RUN")]
    pub(super) run: PathBuf,
    /// Number of tokens to list [default: 10]
    #[arg(long, value_name = "N")]
    pub(super) top: Option<usize>,
    /// The test example to show, by id [default: the first]
    #[arg(long, value_name = "ID")]
    pub(super) example: Option<String>,
    #[command(flatten)]
    pub(super) model: ModelOptions,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl ExampleOptions {
    /// Returns the number of tokens to list.
    pub(super) fn top(&self) -> usize {
        self.top.unwrap_or(10)
    }

    /// Opens the run, checks that the model has `component`, and returns the index of the test example.
    pub(super) fn open(&self, component: Option<Component>, line: &mut ProgressLine) -> Result<(LoadedRun, usize)> {
        let loaded = LoadedRun::open(&self.run, &self.model, line)?;
        component.map(|component| index_of(loaded.plan.shape, component)).transpose()?;
        let example = find_example(&loaded.plan, self.example.as_deref())?;
        Ok((loaded, example))
    }
}

/// Returns the index of a component in a model of this shape.
pub(super) fn index_of(shape: Shape, component: Component) -> Result<usize> {
    shape.index(component).ok_or_else(|| {
        let problem = format!("the model has no component {component}");
        let help = format!("it has {} layers of {} heads and an MLP", shape.layers, shape.heads);
        InputError::new(problem).help(help).into()
    })
}
