//! `partscope run`: attribute, save a run, print a summary.

use std::{fmt::Write, fs::File, io::BufReader, path::PathBuf};

use super::{
    Failure,
    options::ModelOptions,
    output::{ProgressLine, print, print_json},
    prompt_options::PromptOptions,
    store_options::StoreOptions,
};
use crate::{
    attribution::F32_TOLERANCE,
    cancel::Cancel,
    error::{Error, Result},
    model::Model,
    run::RunMeta,
    runner::{Event, Note, Plan, Prompts, obtain, plan, plan_explicit},
    store::Destination,
    task::{Library, read_explicit, read_label_words},
    text::printable,
};

/// Attribute a task's test examples (or explicit prompts) to components, save the run, print a summary.
///
/// Example: partscope run -m demo --task sentiment --limit 200 -o out --json
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelOptions,
    /// Task: a name that `partscope tasks` lists, or a task file by its path (ends in .toml)
    #[arg(long, value_name = "TASK", required_unless_present = "prompts", conflicts_with = "prompts")]
    task: Option<String>,
    #[command(flatten)]
    prompt: PromptOptions,
    /// Explicit prompts instead of a task: lines of {"prompt": "…", "label": 0, "split": "test"}
    #[arg(long, value_name = "FILE.jsonl", requires = "words")]
    prompts: Option<PathBuf>,
    /// Label words for explicit prompts, separated by |, leading spaces kept: ' negative| positive'
    #[arg(long, value_name = "WORDS", group = "words")]
    labels: Option<String>,
    /// Label tokens for explicit prompts, by id: 12,34
    #[arg(long, value_name = "IDS", value_delimiter = ',', group = "words")]
    label_tokens: Vec<u32>,
    /// Folder that takes the run: run.json, attribution.safetensors, examples.jsonl
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    store: StoreOptions,
    /// Print run.json instead of a summary
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    if let Some(task) = &args.task {
        Library.task(task)?;
    }
    args.model.source()?;
    let store = args.store.store()?;
    let destination = Destination::prepare(&args.output)?;
    let mut line = ProgressLine::new();
    line.stage("loading the model…");
    let model = args.model.load()?;
    line.stage("making prompts…");
    let (plan, prompts) = make_prompts(args, &model)?;
    let mut notes = Vec::new();
    let run = obtain(&store, &model, plan, &prompts, &Cancel::default(), &mut |event| match event {
        Event::Progress(progress) => line.count(&progress, "prompts"),
        Event::Note(note) => {
            line.stage(&printable(&note.to_string()));
            notes.push(note);
        }
        _ => {}
    })?;
    line.clear();
    destination.write(&run)?;
    if args.json {
        print_json(&run.meta)?;
    } else {
        print(&summary(&run.meta, &args.output, &notes))?;
    }
    if run.meta.exactness.holds(F32_TOLERANCE) {
        return Ok(());
    }
    eprintln!(
        "partscope: the parts do not add up to the model's logits (max_rel {:.1e}, at most {F32_TOLERANCE:.0e} allowed); \
         the run is saved and marked",
        run.meta.exactness.max_rel
    );
    Err(Failure::Reported)
}

fn make_prompts(args: &Args, model: &Model) -> Result<(Plan, Prompts)> {
    let Some(path) = &args.prompts else {
        let task = args.task.as_deref().unwrap_or_default();
        return plan(model, &args.prompt.request(task)?);
    };
    let words = match &args.labels {
        Some(words) => read_label_words(words)?,
        None => model.tokenizer.pieces(&args.label_tokens),
    };
    let file = File::open(path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let prompts = read_explicit(path, BufReader::new(file), words.len())?;
    let name = path.file_stem().map_or_else(|| "prompts".to_owned(), |stem| stem.to_string_lossy().into_owned());
    plan_explicit(model, &name, prompts, words, args.label_tokens.clone())
}

fn summary(meta: &RunMeta, folder: &std::path::Path, notes: &[Note]) -> String {
    let RunMeta { model, task, prompt, examples, accuracy, exactness, timing, .. } = meta;
    let mut text = String::new();
    let mut row = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12}{value}");
    };
    row(
        "model",
        format!(
            "{} ({}, {} layers × {} heads, width {}, {})",
            printable(&model.id),
            model.family,
            model.layers,
            model.heads,
            model.hidden,
            model.dtype
        ),
    );
    let words: Vec<String> = task.label_words.iter().map(|word| format!("`{}`", printable(word))).collect();
    row(
        "task",
        format!("{}, template {}, label words {}", printable(&task.name), printable(&task.template), words.join(" ")),
    );
    let shared =
        format!("{} shots, demo seed {}, {} tokens shared", prompt.shots, prompt.demo_seed, prompt.prefix_tokens);
    row("prompt", shared);
    row("examples", format!("{} train, {} test", examples.train, examples.test));
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    row(
        "accuracy",
        format!(
            "full model {}, heads and MLPs alone {}, majority {}, chance {}",
            percent(accuracy.full),
            percent(accuracy.components),
            percent(accuracy.majority),
            percent(accuracy.chance)
        ),
    );
    let verdict = if exactness.holds(F32_TOLERANCE) { "exact" } else { "NOT EXACT" };
    row(
        "exactness",
        format!(
            "{verdict}: parts add up to the logits within {:.1e} relative ({} predictions differ)",
            exactness.max_rel, exactness.argmax_mismatches
        ),
    );
    row("time", format!("{:.2} s, {:.0} prompts/s", timing.attribute_s, timing.examples_per_s));
    for note in notes {
        row("store", printable(&note.to_string()).into_owned());
    }
    row("saved in", printable(&folder.display().to_string()).into_owned());
    text
}
