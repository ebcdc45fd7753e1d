//! `partscope run`: attributes prompts, saves a run and prints a summary.

mod estimate;
#[cfg(test)]
mod faults;
mod planned_run;
mod requests;
mod summary;

use std::path::PathBuf;

use estimate::Workload;
use planned_run::PlannedRun;
use serde::Serialize;

use super::{
    failure::Failure,
    options::ModelOptions,
    output::{ProgressLine, is_stream, print, print_json, read_text},
    prompt_options::PromptOptions,
    store_options::StoreOptions,
    streams::say,
};
use crate::{
    attribution::{ClassLogit, F32_TOLERANCE},
    cancel::Cancel,
    decompose::hidden_meta,
    error::{Error, Result},
    model::{ChatTemplate, Model},
    progress::Progress,
    run::{Run, RunMeta},
    runner::{Event, Note, Plan, PromptBuilder, Prompts, RunRequest, obtain, obtain_hidden, plan_explicit},
    store::{Destination, Store},
    task::{Library, Task, read_explicit, read_label_words, read_word_classes},
    text::printable,
};

/// Options for the prompts of tasks, which do not apply to explicit prompts.
const TASKS_ONLY: [&str; 9] =
    ["template", "num_fewshot", "demo_seed", "unbalanced", "demo_ids", "demos", "train_examples", "loo", "chat"];

/// Attribute the logits of a task's test examples (or of explicit prompts) to components, save the run, print a
/// summary.
///
/// Several templates or demonstration seeds give several runs, in folders TEMPLATE-sSEED inside the folder of -o.
///
/// Example: partscope run -m demo --task sentiment --limit 200 -o out --json
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelOptions,
    /// Task: a name listed by `partscope tasks`, or the path of a task file (ends in .toml), or of a task file (.yaml) or a
    /// sample log (samples_….jsonl) of lm-evaluation-harness
    #[arg(long, value_name = "TASK", required_unless_present = "prompts", conflicts_with = "prompts")]
    task: Option<String>,
    #[command(flatten)]
    prompt: PromptOptions,
    /// Several demonstration sets, one run each: 0..5 or 0,3,7
    #[arg(long, value_name = "SEEDS", value_parser = requests::seeds, conflicts_with_all = ["demo_seed", "prompts"])]
    demo_seeds: Option<requests::Seeds>,
    /// Explicit prompts instead of a task: lines of {"prompt": "…", "label": 0, "split": "test"}; a label is the index of
    /// a label word or the word itself; `-` reads standard input
    #[arg(long, value_name = "FILE.jsonl", requires = "words", conflicts_with_all = TASKS_ONLY)]
    prompts: Option<PathBuf>,
    /// Label words for explicit prompts, separated by |, leading spaces kept: ' negative| positive'
    #[arg(long, value_name = "WORDS", group = "words")]
    labels: Option<String>,
    /// Label tokens for explicit prompts, by id: 12,34
    #[arg(long, value_name = "IDS", value_delimiter = ',', group = "words")]
    label_tokens: Vec<u32>,
    /// Class of every label word, by name or index, if classes have several: 0,0,1,1
    #[arg(long, value_name = "CLASSES", requires = "prompts")]
    word_classes: Option<String>,
    /// Logit of a class with several label words: `max`, `sum` or `mean` of theirs
    #[arg(long, value_name = "RULE", requires = "word_classes", value_parser = class_logit)]
    class_logit: Option<ClassLogit>,
    /// Also write hidden.safetensors: the last hidden state and the values of all heads at the last token of every
    /// prompt, in f32, from a second pass; the methods hidden_centroid, hidden_logistic and sav of `fit` need it
    #[arg(long)]
    with_hidden: bool,
    /// Folder for the run: run.json, attribution.safetensors, examples.jsonl
    #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
    output: Option<PathBuf>,
    #[command(flatten)]
    store: StoreOptions,
    /// Print the number of prompts and tokens and the estimated time on this machine, measured on the first batches;
    /// save nothing
    #[arg(long)]
    dry_run: bool,
    /// Print run.json instead of a summary; for several runs {"runs": […]}
    #[arg(long)]
    json: bool,
}

/// Parses the name of a rule for class logits.
fn class_logit(name: &str) -> Result<ClassLogit> {
    ClassLogit::named(name).ok_or_else(|| Error::Unknown {
        what: "rule for class logits",
        given: name.to_owned(),
        known: ClassLogit::NAMES.map(|(name, _)| name.to_owned()).to_vec(),
    })
}

/// What `run --json` prints for several runs.
#[derive(Serialize)]
struct Runs {
    runs: Vec<RunMeta>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    if args.output.as_deref().is_some_and(is_stream) {
        let advice = "a run is a folder and cannot be written to standard output; set the folder with -o, and add \
                      --json for run.json";
        return Err(Failure::Usage(advice.to_owned()));
    }
    args.model.source()?;
    let store = args.store.store()?;
    let mut line = ProgressLine::new();
    line.stage("reading the task…");
    let task = args.task.as_deref().map(|task| Library.task(task)).transpose()?;
    let requests = match (&task, args.task.as_deref()) {
        (Some(task), Some(name)) => {
            requests::all(&args.prompt.request(name, Some(task))?, task, args.demo_seeds.as_ref())?
        }
        _ => Vec::new(),
    };
    let folders = folders(args, &requests)?;
    line.stage("loading the model…");
    let model = args.model.load()?;
    line.stage("building prompts…");
    let planned = plan_all(args, &model, task.as_ref(), &requests, &mut line)?;
    let is_chat = requests.iter().zip(task.iter().cycle()).any(|(request, task)| {
        let template = task.template(request.template.as_deref());
        request.prompting.chat || template.is_ok_and(|template| template.chat)
    });
    drop(task);
    let runs: Vec<PlannedRun> = planned
        .into_iter()
        .zip(folders)
        .map(|((plan, prompts), folder)| PlannedRun { plan, prompts, folder })
        .collect();
    let workload = Workload::new(&runs, |run| run.is_stored(&model, &store));
    if args.dry_run {
        return estimate::estimate(args.json, &model, &store, workload, runs, line);
    }
    line.note(&workload.text(&runs));
    if args.with_hidden {
        line.note(&hidden_note(&model, &runs)?);
    }
    if let Some(note) = model.chat.as_ref().and_then(ChatTemplate::date_note).filter(|_| is_chat) {
        line.note(&note);
    }
    let planned = runs.len();
    let metas = compute_all(args, runs, &store, &model, &mut line)?;
    match (args.json, planned) {
        (true, 1) => print_json(&metas[0])?,
        (true, _) => print_json(&Runs { runs: metas.clone() })?,
        _ => {}
    }
    let inexact = metas.iter().filter(|meta| !meta.exactness.holds(F32_TOLERANCE)).count();
    match (inexact, metas.len()) {
        (0, finished) if finished == planned => return Ok(()),
        (0, 0) => return Err(Failure::Reported),
        (0, _) => return Err(Failure::Partial),
        _ => {}
    }
    let worst = metas.iter().map(|meta| meta.exactness.max_rel).fold(0.0, f64::max);
    say(&format!(
        "partscope: the contributions do not add up to the model's logits in {inexact} of {} runs (max_rel \
         {worst:.1e}, at most {F32_TOLERANCE:.0e} allowed); the runs are saved and marked",
        metas.len()
    ));
    Err(Failure::Reported)
}

/// Computes and saves the runs one after the other and prints their summaries. If one of several fails, the others
/// still run.
fn compute_all(
    args: &Args,
    runs: Vec<PlannedRun>,
    store: &Store,
    model: &Model,
    line: &mut ProgressLine,
) -> Result<Vec<RunMeta>> {
    let several = runs.len() > 1;
    let mut metas = Vec::new();
    for planned in runs {
        let name = format!("template {}, demo seed {}", planned.plan.task.template, planned.plan.prompt.demo_seed);
        let outcome = compute(planned, args.with_hidden, store, model, line);
        line.clear();
        let (run, folder, notes) = match outcome {
            Err(error) if several && !matches!(error, Error::Cancelled) => {
                say(&format!("partscope: {name}: {error}"));
                continue;
            }
            outcome => outcome?,
        };
        if !args.json {
            let format = if several { summary::line } else { summary::summary };
            print(&format(&run.meta, &folder, &notes))?;
        }
        metas.push(run.meta);
    }
    Ok(metas)
}

/// Prepares the folder of every run before any work is done.
fn folders(args: &Args, requests: &[RunRequest]) -> Result<Vec<Option<Destination>>> {
    let Some(output) = args.output.as_ref().filter(|_| !args.dry_run) else {
        return Ok((0..requests.len().max(1)).map(|_| None).collect());
    };
    if requests.len() < 2 {
        return Ok(vec![Some(Destination::prepare(output)?)]);
    }
    let names = requests::folders(requests);
    names.iter().map(|name| Ok(Some(Destination::prepare(&output.join(name))?))).collect()
}

fn plan_all(
    args: &Args,
    model: &Model,
    task: Option<&Task>,
    requests: &[RunRequest],
    line: &mut ProgressLine,
) -> Result<Vec<(Plan, Prompts)>> {
    let mut watch = |progress| {
        line.count(&progress, "prompts built");
        Ok(())
    };
    if let Some(task) = task {
        let mut plan = |request| PromptBuilder::new(task, request)?.plan_watched(model, &mut watch);
        return requests.iter().map(&mut plan).collect();
    }
    let path = args.prompts.clone().unwrap_or_default();
    let words = match &args.labels {
        Some(words) => read_label_words(words)?,
        None => model.tokenizer.pieces(&args.label_tokens),
    };
    let classes = args.word_classes.as_deref().map(|text| read_word_classes(text, args.class_logit, &words));
    let classes = classes.transpose()?.flatten();
    let prompts = read_explicit(&path, &read_text(&path)?, &words, classes.as_ref())?;
    let stem = path.file_stem().filter(|stem| *stem != "-");
    let name = stem.map_or_else(|| "prompts".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let (words, prompting) = ((words, args.label_tokens.clone(), classes), args.prompt.prompting());
    let selection = args.prompt.selection.selection()?;
    let choice = (args.prompt.selection.limit, Some(&selection));
    Ok(vec![plan_explicit(model, &name, prompts, words, prompting, choice, &mut watch)?])
}

/// Says how large the files of hidden states are.
fn hidden_note(model: &Model, runs: &[PlannedRun]) -> Result<String> {
    let meta = hidden_meta(&model.decoder)?;
    let bytes: usize = runs.iter().map(|run| meta.bytes(run.prompts.all().len())).sum();
    Ok(format!("hidden.safetensors: {:.1} MB, computed in a second pass", bytes as f64 / 1e6))
}

fn compute(
    planned: PlannedRun,
    with_hidden: bool,
    store: &Store,
    model: &Model,
    line: &mut ProgressLine,
) -> Result<(Run, PathBuf, Vec<Note>)> {
    let mut notes = Vec::new();
    let PlannedRun { plan, prompts, folder } = planned;
    let again = with_hidden.then(|| plan.clone());
    let mut run = obtain(store, model, plan, &prompts, &Cancel::default(), &mut |event| match event {
        Event::Progress(progress) => line.count(&progress, "prompts"),
        Event::Note(note) => {
            if note.is_problem() {
                line.warn(&note.to_string());
            } else {
                line.stage(&printable(&note.to_string()));
                notes.push(note);
            }
        }
        _ => {}
    })?;
    if let Some(plan) = again {
        let mut problems = Vec::new();
        let observe = &mut |progress: Progress| line.count(&progress, "hidden states");
        let note = &mut |note: Note| problems.push(note.to_string());
        let never = Cancel::default();
        let hidden = obtain_hidden(store, model, &plan, &prompts, &never, observe, note)?;
        for problem in &problems {
            line.warn(problem);
        }
        run.meta.hidden = Some(hidden.meta);
        run.hidden = Some(hidden);
    }
    let place = folder.as_ref().map(|folder| folder.path().to_owned()).unwrap_or_default();
    if let Some(folder) = folder {
        run.meta = folder.write(&run)?;
    }
    Ok((run, place, notes))
}
