//! `partscope fit`: fits a mix on a run's training split.

mod table;

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use serde::Serialize;
use table::{missing, table};

use super::{
    context::{open_run, open_run_with_hidden},
    failure::Failure,
    options::ModelOptions,
    output::{ProgressLine, is_stream, print, print_json, write_text},
    store_options::StoreOptions,
    streams::print_data,
};
use crate::{
    analysis::{
        Fit, FitOptions, Lambda, Method, WeightsFile,
        baseline::{BaselineOptions, MeasuresByMethod, Outcome, Predictions, on_hidden, predictions_with, transfer},
        check,
        measures::Prediction,
        reweight::{FITS, comprw, comprw_released, fit, fit_by, partscope},
        weights::weights_by_component,
    },
    cancel::Cancel,
    component::Component,
    error::{Error, InputError, Result},
    protocol::{PromptedEvent, prompted, unbiased_heads},
    report::weights_map,
    run::Run,
    runner::PromptBuilder,
    task::Library,
    text::printable,
};

/// Fit a mix on a run's training split and compare it with baselines on the same labels and test examples.
///
/// Example: partscope fit out -o weights.json
///
/// Example: partscope fit out -o - | partscope ablate out --mix -
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Fitting method: `partscope`, `ridge_cv` (a ridge towards the model, cross-validated), `comprw`,
    /// `comprw_released`, or `convex` (the paper's objective, solved to its optimum)
    #[arg(long, value_name = "METHOD", default_value = "partscope", value_parser = fit_method)]
    method: Method,
    /// Strength of the penalty, for `convex`
    #[arg(long, value_name = "L")]
    lambda: Option<f64>,
    /// Other runs of the same model: adds `transfer`, the default method fitted on these only
    #[arg(long, value_name = "RUN", num_args = 1..)]
    from: Vec<PathBuf>,
    /// Write the weights to this file; `-` prints only the weights
    #[arg(short, long, value_name = "FILE.json")]
    output: Option<PathBuf>,
    #[command(flatten)]
    with: WithModel,
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    store: StoreOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print the heat map of the weights, an SVG document, and nothing else
    #[arg(long, conflicts_with_all = ["json", "output"])]
    svg: bool,
}

/// Methods that need the model.
#[derive(Debug, clap::Args)]
struct WithModel {
    /// Add the methods that run prompts: the whole budget as shots, fits on leave-one-out prompts, nearest examples,
    /// contextual calibration
    #[arg(long)]
    with_model: bool,
    /// Add unibias_heads, which runs the training prompts about a hundred times with heads weighted down, and then the
    /// test prompts
    #[arg(long)]
    with_reruns: bool,
}

/// Parses the name of a method that fits weights.
fn fit_method(name: &str) -> Result<Method> {
    FITS.into_iter().find(|method| method.name() == name).ok_or_else(|| unknown_fit(name))
}

fn unknown_fit(name: &str) -> Error {
    Error::Unknown {
        what: "method of fitting",
        given: name.to_owned(),
        known: FITS.map(|method| method.name().to_owned()).to_vec(),
    }
}

/// What `fit --json` prints.
#[derive(Serialize)]
struct Report {
    method: Method,
    lambda: f64,
    train_n: usize,
    test_n: usize,
    accuracy: BTreeMap<Method, f64>,
    #[serde(flatten)]
    measures: MeasuresByMethod,
    missing: BTreeMap<Method, &'static str>,
    objective: f64,
    kkt: f64,
    iterations: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    words_change: bool,
    seconds: f64,
    rest: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    offsets: Vec<f64>,
    weights: BTreeMap<Component, f64>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let run = open_run_with_hidden(&args.run)?;
    check::trainable(&run.train, run.meta.task.class_names())?;
    check::leakage(&run)?;
    let started = Instant::now();
    let fitted = fit_with(args, &run)?;
    let seconds = started.elapsed().as_secs_f64();
    if args.svg {
        let name = run.meta.name();
        return Ok(print_data(&weights_map(&printable(&name), &fitted.mix.weights, run.test.shape()))?);
    }
    let mut predicted = table_predictions(&run, &fitted)?;
    if let Some(hidden) = &run.hidden {
        predicted.extend(on_hidden(hidden, run.train.gold(), run.test.labels(), &Cancel::default())?);
    }
    if args.with.with_model || args.with.with_reruns {
        predicted.extend(model_predictions(args, &run)?);
    }
    if !args.from.is_empty() {
        let others = args.from.iter().map(|folder| open_run(folder)).collect::<Result<Vec<_>>>()?;
        let mix = transfer(&run, &others, &Cancel::default())?;
        predicted.push((Method::Transfer, Prediction::Logits(mix.logits(&run.test))));
    }
    let outcomes = Outcome::all(predicted, &run.test);
    if let Some(path) = &args.output {
        write_text(path, &WeightsFile::new(&fitted, &run.meta).to_text())?;
        if is_stream(path) {
            return Ok(());
        }
    }
    if args.json {
        let report = Report {
            method: fitted.method,
            lambda: fitted.lambda,
            train_n: run.train.len(),
            test_n: run.test.len(),
            accuracy: outcomes.iter().map(|outcome| (outcome.method, outcome.accuracy)).collect(),
            measures: MeasuresByMethod::new(&outcomes),
            missing: missing(&outcomes, &run),
            objective: fitted.objective,
            kkt: fitted.kkt,
            iterations: fitted.iterations,
            words_change: fitted.words_change,
            seconds,
            rest: fitted.mix.rest,
            offsets: fitted.mix.offsets.clone(),
            weights: weights_by_component(&fitted.mix, run.test.shape()),
        };
        print_json(&report)?;
    } else {
        print(&table(&run, &fitted, &outcomes, seconds))?;
    }
    Ok(())
}

fn fit_with(args: &Args, run: &Run) -> Result<Fit> {
    let cancel = Cancel::default();
    let fixed = |what: &str| -> Error {
        InputError::new(format!("{what} takes no λ"))
            .field("--lambda")
            .help("leave it out, or use --method convex")
            .into()
    };
    match (args.method, args.lambda) {
        (Method::Convex, lambda) => {
            let options = lambda.map_or_else(FitOptions::default, |lambda| FitOptions {
                lambda: Lambda::Fixed(lambda),
                ..FitOptions::default()
            });
            fit(&run.train, &options, &cancel)
        }
        (method, Some(_)) => Err(fixed(method.name())),
        (method, None) => fit_by(method, &run.train, &cancel),
    }
}

/// Returns what every method predicts that needs only the table, including the chosen fit.
fn table_predictions(run: &Run, fitted: &Fit) -> Result<Predictions> {
    let cancel = Cancel::default();
    let mut fits = Vec::new();
    for (method, make) in [
        (Method::CompRw, comprw as fn(&_, &_) -> Result<Fit>),
        (Method::CompRwReleased, comprw_released),
        (Method::Partscope, partscope),
    ] {
        fits.push(if fitted.method == method { fitted.clone() } else { make(&run.train, &cancel)? });
    }
    if fits.iter().all(|fit| fit.method != fitted.method) {
        fits.push(fitted.clone());
    }
    predictions_with(&run.train, &run.test, &fits, &BaselineOptions::default(), &cancel)
}

/// Returns what the methods predict that run prompts, with the demonstrations, training and test examples of `run`.
fn model_predictions(args: &Args, run: &Run) -> Result<Predictions> {
    let (meta, model) = (&run.meta, args.model.for_run(&run.meta.model).load()?);
    let flag = if args.with.with_model { "--with-model" } else { "--with-reruns" };
    let wrong = |problem: &str, help: &str| Error::from(InputError::new(problem).field(flag).help(help));
    if model.meta.weights_hash != meta.model.weights_hash {
        return Err(wrong("the run was made with another model", "give the run's model with -m"));
    }
    let Some(request) = &meta.request else {
        return Err(wrong("the run does not record a request", "run again, on a task"));
    };
    let task = Library.task(&request.task)?;
    let draft = PromptBuilder::new(&task, request)?.without(meta.prompt.skipped());
    let mut training = draft.training();
    training.retain(|example| !meta.prompt.skipped().contains(&example.id));
    let ids: Vec<&str> = training.iter().chain(&draft.test).map(|example| example.id.as_str()).collect();
    if !ids.into_iter().eq(run.examples.iter().map(|example| example.id.as_str())) {
        return Err(wrong("the task's data has changed since the run", "run again"));
    }
    let (mut predicted, mut line) = (Vec::new(), ProgressLine::new());
    let observe = &mut |event: PromptedEvent| match event {
        PromptedEvent::Progress(unit, progress) => line.count(&progress, unit),
        PromptedEvent::Note(note) if note.is_problem() => line.warn(&note.to_string()),
        PromptedEvent::Note(_) => {}
    };
    if args.with.with_model {
        let store = args.store.store()?;
        predicted.extend(prompted(&draft, run, &model, &store, &Cancel::default(), observe)?);
    }
    if args.with.with_reruns {
        let prediction = unbiased_heads(&draft, run, &model, &Cancel::default(), observe)?;
        predicted.extend(prediction.map(|prediction| (Method::UnibiasHeads, prediction)));
    }
    Ok(predicted)
}
