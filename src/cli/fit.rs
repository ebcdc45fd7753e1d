//! `partscope fit`: fits a mix on a run's training split.

use std::{collections::BTreeMap, fmt::Write, path::PathBuf, time::Instant};

use serde::Serialize;

use super::{
    context::open_run,
    failure::Failure,
    options::ModelOptions,
    output::{is_stream, print, print_json, warn, write_text},
    store_options::StoreOptions,
};
use crate::{
    analysis::{
        Fit, FitOptions, Lambda, Method, WeightsFile,
        baseline::{BaselineOptions, Outcome, outcomes_with},
        check,
        reweight::{FITS, comprw, comprw_released, fit, fit_by, partscope},
        weights::weights_by_component,
    },
    cancel::Cancel,
    component::Component,
    error::{Error, InputError, Result},
    model::Model,
    protocol::prompted,
    run::Run,
    runner::PromptBuilder,
    store::Store,
    task::Library,
    text::{printable, signed},
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
    /// Write the weights to this file; `-` prints only the weights
    #[arg(short, long, value_name = "FILE.json")]
    output: Option<PathBuf>,
    /// Add the methods that run prompts: the whole budget as shots, fits on leave-one-out prompts, nearest examples,
    /// contextual calibration
    #[arg(long)]
    with_model: bool,
    #[command(flatten)]
    model: ModelOptions,
    #[command(flatten)]
    store: StoreOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
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
    objective: f64,
    kkt: f64,
    iterations: usize,
    seconds: f64,
    rest: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    offsets: Vec<f64>,
    weights: BTreeMap<Component, f64>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let run = open_run(&args.run)?;
    check::trainable(&run.train, &run.meta.task.label_words)?;
    check::leakage(&run)?;
    let started = Instant::now();
    let fitted = fit_with(args, &run)?;
    let seconds = started.elapsed().as_secs_f64();
    let mut outcomes = all_outcomes(&run, &fitted)?;
    if args.with_model {
        outcomes.extend(model_outcomes(&args.model.for_run(&run.meta.model).load()?, &args.store.store()?, &run)?);
        outcomes.sort_by_key(|outcome| outcome.method);
    }
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
            objective: fitted.objective,
            kkt: fitted.kkt,
            iterations: fitted.iterations,
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

/// Scores every method that needs only the table, including the chosen fit.
fn all_outcomes(run: &Run, fitted: &Fit) -> Result<Vec<Outcome>> {
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
    outcomes_with(&run.train, &run.test, &fits, &BaselineOptions::default(), &cancel)
}

/// Scores the baselines that run prompts, on the demonstrations, training and test examples of `run`.
fn model_outcomes(model: &Model, store: &Store, run: &Run) -> Result<Vec<Outcome>> {
    let meta = &run.meta;
    let wrong = |problem: &str, help: &str| Error::from(InputError::new(problem).field("--with-model").help(help));
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
    let predicted = prompted(&draft, run, model, store, &Cancel::default(), &mut |note| {
        if note.is_problem() {
            warn(&note.to_string());
        }
    })?;
    Ok(predicted.into_iter().map(|(method, predicted)| Outcome::new(method, predicted, &run.test)).collect())
}

/// Formats the offsets that the mix adds to the labels; empty if there are none.
fn offsets(run: &Run, fitted: &Fit) -> String {
    let words = run.meta.task.label_words.iter().map(|word| printable(word.trim()));
    let added: Vec<String> =
        words.zip(&fitted.mix.offsets).map(|(word, &offset)| format!("{word} {}", signed(offset, 2))).collect();
    if added.is_empty() {
        return String::new();
    }
    format!("offset of each label, nats: {}\n", added.join(", "))
}

fn table(run: &Run, fitted: &Fit, outcomes: &[Outcome], seconds: f64) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} fitted on {} labels in {:.0} ms: λ {:.2e}, objective {:.6}, KKT residual {:.1e}, {} iterations",
        fitted.method,
        run.train.len(),
        1000.0 * seconds,
        fitted.lambda,
        fitted.objective,
        fitted.kkt,
        fitted.iterations
    );
    text.push_str(&offsets(run, fitted));
    let _ = writeln!(
        text,
        "{:<24}{:>9}{:>17}  on {} test examples (95%, Wilson)",
        "method",
        "accuracy",
        "interval",
        run.test.len()
    );
    for outcome in outcomes {
        let interval = format!("{:.3}–{:.3}", outcome.ci.0, outcome.ci.1);
        let _ = writeln!(
            text,
            "{:<24}{:>9.3}{:>17}  {}",
            outcome.method.name(),
            outcome.accuracy,
            interval,
            outcome.method.about()
        );
    }
    text
}
