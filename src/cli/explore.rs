//! `partscope explore`: opens the terminal explorer.

use std::{path::PathBuf, rc::Rc};

use super::{
    failure::Failure, options::ModelOptions, output::warn, prompt_options::PromptOptions, store_options::StoreOptions,
};
use crate::{
    error::{Error, InputError, Result},
    jobs::{SharedModel, experiment_worker, model_worker},
    model::{LoadOptions, Source},
    runner::RunRequest,
    store::{self, Store},
    task::Library,
    text::list,
    tui::{ExploreOptions, Listener, OpenModel, StartExperiments, StartModel, TaskChoice, explore, has_terminal},
};

/// Open the terminal explorer, on a model and task or on saved runs.
///
/// Example: partscope explore --task topic
#[derive(Debug, Default, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelOptions,
    /// Initial task, by name or as a task file; further ones are the other tasks of the session
    /// [default: the demo's tasks, first topic with the template `article-hash` and demonstration
    /// set 2]
    #[arg(long, value_name = "TASK")]
    task: Vec<String>,
    #[command(flatten)]
    prompt: PromptOptions,
    #[command(flatten)]
    store: StoreOptions,
    /// Saved runs to open instead of running the model
    #[arg(value_name = "RUN")]
    runs: Vec<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<u8, Failure> {
    if !has_terminal() {
        let advice = "the explorer needs a terminal; `partscope run` and `partscope components` work without one";
        return Err(Failure::Usage(advice.to_owned()));
    }
    if std::env::var_os("TERM").is_some_and(|name| name == "dumb") {
        let advice = "the explorer draws with cursor control, which TERM=dumb says this terminal lacks; use another \
                      terminal or set TERM, or use `partscope run` and `partscope components`";
        return Err(Failure::Usage(advice.to_owned()));
    }
    let ended = explore(options(args)?)?;
    if let Some(note) = ended.note {
        warn(&note);
    }
    Ok(ended.code)
}

fn options(args: &Args) -> Result<ExploreOptions> {
    let saved = args.runs.iter().map(|folder| store::open(folder)).collect::<Result<Vec<_>>>()?;
    let store = args.store.store()?;
    let model = saved.last().map_or_else(|| args.model.clone(), |run| args.model.for_run(&run.meta.model));
    let (source, load) = (model.source()?, model.load_options()?);
    let (start, experiments) = workers(source, &load, &store);
    let (load_again, store_again) = (load, store.clone());
    let open_model: OpenModel = Rc::new(move |name: &str| {
        let source = name.parse().map_err(|error: Error| error.to_string())?;
        Ok(workers(source, &load_again, &store_again))
    });
    let with_model = ExploreOptions {
        model: Some(start),
        experiments: Some(experiments.clone()),
        open_model: Some(open_model),
        model_name: Some(model.name().to_owned()),
        store: store.clone(),
        ..ExploreOptions::default()
    };
    if let Some(run) = saved.last() {
        let request = run.meta.request.clone();
        let known = request.and_then(|request| Some((vec![choice(&request.task).ok()?], request)));
        // Without its task, a run can be looked at, and its own prompts run again, but no other ones.
        return Ok(match known {
            Some((choices, request)) => ExploreOptions { saved, choices, resumed: Some(request), ..with_model },
            None => ExploreOptions { saved, store, experiments: Some(experiments), ..ExploreOptions::default() },
        });
    }
    let prompt = args.prompt.dropping_leaks();
    let first = args.task.first().map_or_else(|| opening(&prompt), |task| prompt.request(task, None))?;
    let mut names = if args.task.is_empty() { Library.names() } else { Vec::new() };
    for name in &args.task {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let choices: Vec<TaskChoice> = names.iter().map(|name| choice(name)).collect::<Result<_>>()?;
    check_template(&first, &choices)?;
    Ok(ExploreOptions { first: Some(first), choices, saved, ..with_model })
}

/// Returns how to start the model worker and the experiment workers of a model, which share its weights.
fn workers(source: Source, load: &LoadOptions, store: &Store) -> (StartModel, StartExperiments) {
    let shared = SharedModel::default();
    let (experiment_source, experiment_model, experiment_load) = (source.clone(), shared.clone(), load.clone());
    let experiments: StartExperiments = Rc::new(move |name: &str, listen: Listener<_>| {
        experiment_worker(name, experiment_source.clone(), experiment_load.clone(), experiment_model.clone(), listen)
    });
    let (load, store) = (load.clone(), store.clone());
    let start =
        move |listen: Listener<_>| model_worker(source.clone(), load.clone(), store.clone(), shared.clone(), listen);
    (Box::new(start), experiments)
}

/// Returns the request if no task is given: the demo's first run, unless the options change it.
fn opening(prompt: &PromptOptions) -> Result<RunRequest> {
    let opening = RunRequest::opening();
    let request = prompt.request(&opening.task, None)?;
    let demo_seed = prompt.demo_seed.unwrap_or(opening.demo_seed);
    Ok(RunRequest { template: request.template.clone().or(opening.template), demo_seed, ..request })
}

/// Checks the template before the terminal is taken over.
fn check_template(first: &RunRequest, choices: &[TaskChoice]) -> Result<()> {
    let Some(choice) = choices.iter().find(|choice| choice.name == first.task) else { return Ok(()) };
    match &first.template {
        Some(template) if !choice.templates.contains(template) => {
            let help = format!("the templates are: {}", list(choice.templates.iter().map(String::as_str)));
            let problem = format!("the task `{}` has no template `{template}`", choice.name);
            Err(InputError::new(problem).help(help).into())
        }
        _ => Ok(()),
    }
}

fn choice(name: &str) -> Result<TaskChoice> {
    let templates = Library.outline(name)?.templates.into_iter().map(|template| template.name).collect();
    Ok(TaskChoice { name: name.to_owned(), templates })
}
