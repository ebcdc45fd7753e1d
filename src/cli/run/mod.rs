//! `partscope run`: attribute, save a run, print a summary.

mod requests;
mod summary;

use std::{
    fmt::Write,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    Failure,
    options::ModelOptions,
    output::{ProgressLine, human_time, print, print_json},
    prompt_options::PromptOptions,
    store_options::StoreOptions,
};
use crate::{
    attribution::F32_TOLERANCE,
    cancel::Cancel,
    error::{Error, Result},
    model::Model,
    run::{Run, RunMeta},
    runner::{Draft, Event, Note, Plan, Prompts, RunRequest, obtain, plan_explicit},
    store::{Destination, Store},
    task::{Library, Task, read_explicit, read_label_words},
    text::printable,
};

/// Attribute a task's test examples (or explicit prompts) to components, save the run, print a summary.
///
/// Several templates or demonstration seeds make several runs, in folders TEMPLATE-sSEED below the one that -o names.
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
    /// Several demonstration sets, one run each: 0..5 or 0,3,7
    #[arg(long, value_name = "SEEDS", value_parser = requests::seeds, conflicts_with_all = ["demo_seed", "prompts"])]
    demo_seeds: Option<requests::Seeds>,
    /// Explicit prompts instead of a task: lines of {"prompt": "…", "label": 0, "split": "test"}; `-` reads standard input
    #[arg(long, value_name = "FILE.jsonl", requires = "words")]
    prompts: Option<PathBuf>,
    /// Label words for explicit prompts, separated by |, leading spaces kept: ' negative| positive'
    #[arg(long, value_name = "WORDS", group = "words")]
    labels: Option<String>,
    /// Label tokens for explicit prompts, by id: 12,34
    #[arg(long, value_name = "IDS", value_delimiter = ',', group = "words")]
    label_tokens: Vec<u32>,
    /// Folder that takes the run: run.json, attribution.safetensors, examples.jsonl
    #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
    output: Option<PathBuf>,
    #[command(flatten)]
    store: StoreOptions,
    /// Say how many prompts and tokens there are and how long they will take here, measured on the first batches; save
    /// nothing
    #[arg(long)]
    dry_run: bool,
    /// Print run.json instead of a summary; of several runs {"runs": […]}
    #[arg(long)]
    json: bool,
}

/// A run that is to be made, and where it goes.
struct Order {
    plan: Plan,
    prompts: Prompts,
    folder: Option<Destination>,
}

/// What `run --json` prints of several runs.
#[derive(Serialize)]
struct Runs {
    runs: Vec<RunMeta>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    args.model.source()?;
    let store = args.store.store()?;
    let mut line = ProgressLine::new();
    line.stage("reading the task…");
    let task = args.task.as_deref().map(|task| Library.task(task)).transpose()?;
    let requests = match (&task, args.task.as_deref()) {
        (Some(task), Some(name)) => requests::all(&args.prompt.request(name)?, task, args.demo_seeds.as_ref())?,
        _ => Vec::new(),
    };
    let folders = folders(args, &requests)?;
    line.stage("loading the model…");
    let model = args.model.load()?;
    line.stage("making prompts…");
    let planned = planned(args, &model, task.as_ref(), &requests)?;
    drop(task);
    let orders: Vec<Order> =
        planned.into_iter().zip(folders).map(|((plan, prompts), folder)| Order { plan, prompts, folder }).collect();
    let amount = Amount::of(&orders);
    if args.dry_run {
        return estimate(args, &model, amount, orders, line);
    }
    line.note(&amount.text(&orders));
    let several = orders.len() > 1;
    let (mut metas, mut inexact) = (Vec::new(), 0);
    for order in orders {
        let (run, folder, notes) = make(order, &store, &model, &mut line)?;
        line.clear();
        inexact += usize::from(!run.meta.exactness.holds(F32_TOLERANCE));
        if !args.json {
            let text = if several {
                summary::line(&run.meta, &folder, &notes)
            } else {
                summary::summary(&run.meta, &folder, &notes)
            };
            print(&text)?;
        }
        metas.push(run.meta);
    }
    match (args.json, several) {
        (true, true) => print_json(&Runs { runs: metas.clone() })?,
        (true, false) => print_json(&metas[0])?,
        _ => {}
    }
    if inexact == 0 {
        return Ok(());
    }
    let worst = metas.iter().map(|meta| meta.exactness.max_rel).fold(0.0, f64::max);
    eprintln!(
        "partscope: the parts do not add up to the model's logits in {inexact} of {} runs (max_rel {worst:.1e}, at most \
         {F32_TOLERANCE:.0e} allowed); saved and marked",
        metas.len()
    );
    Err(Failure::Reported)
}

/// The folder of every run, found fit to be written before any work is done.
fn folders(args: &Args, requests: &[RunRequest]) -> Result<Vec<Option<Destination>>> {
    let Some(output) = args.output.as_ref().filter(|_| !args.dry_run) else {
        return Ok((0..requests.len().max(1)).map(|_| None).collect());
    };
    if requests.len() < 2 {
        return Ok(vec![Some(Destination::prepare(output)?)]);
    }
    requests.iter().map(|request| Ok(Some(Destination::prepare(&output.join(requests::folder(request)))?))).collect()
}

fn planned(args: &Args, model: &Model, task: Option<&Task>, requests: &[RunRequest]) -> Result<Vec<(Plan, Prompts)>> {
    if let Some(task) = task {
        return requests.iter().map(|request| Draft::new(task, request)?.plan(model)).collect();
    }
    let path = args.prompts.clone().unwrap_or_default();
    let words = match &args.labels {
        Some(words) => read_label_words(words)?,
        None => model.tokenizer.pieces(&args.label_tokens),
    };
    let reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        Box::new(BufReader::new(file))
    };
    let prompts = read_explicit(&path, reader, words.len())?;
    let stem = path.file_stem().filter(|stem| *stem != "-");
    let name = stem.map_or_else(|| "prompts".to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok(vec![plan_explicit(model, &name, prompts, words, args.label_tokens.clone())?])
}

fn make(order: Order, store: &Store, model: &Model, line: &mut ProgressLine) -> Result<(Run, PathBuf, Vec<Note>)> {
    let mut notes = Vec::new();
    let Order { plan, prompts, folder } = order;
    let run = obtain(store, model, plan, &prompts, &Cancel::default(), &mut |event| match event {
        Event::Progress(progress) => line.count(&progress, "prompts"),
        Event::Note(note) => {
            line.stage(&printable(&note.to_string()));
            notes.push(note);
        }
        _ => {}
    })?;
    let place = folder.as_ref().map(|folder| folder.path().to_owned()).unwrap_or_default();
    if let Some(folder) = folder {
        folder.write(&run)?;
    }
    Ok((run, place, notes))
}

/// How much there is to do.
#[derive(Serialize)]
struct Amount {
    runs: usize,
    prompts: usize,
    tokens: usize,
    computed_tokens: usize,
}

impl Amount {
    fn of(orders: &[Order]) -> Self {
        let mut amount = Self { runs: orders.len(), prompts: 0, tokens: 0, computed_tokens: 0 };
        for Order { plan, .. } in orders {
            let prompts = plan.train.len() + plan.test.len();
            amount.prompts += prompts;
            amount.tokens += plan.prompt.tokens;
            amount.computed_tokens += plan.prompt.tokens - plan.prompt.prefix_tokens * prompts.saturating_sub(1);
        }
        amount
    }

    fn text(&self, orders: &[Order]) -> String {
        let Self { runs, prompts, tokens, computed_tokens } = self;
        let runs = if *runs > 1 { format!("{runs} runs, ") } else { String::new() };
        let mut text = format!(
            "{runs}{prompts} prompts of {tokens} tokens, {computed_tokens} to compute (the shared beginning once)"
        );
        for overflow in orders.iter().filter_map(|order| order.plan.prompt.overflow.as_ref()) {
            let _ = write!(text, "\n{}", summary::overflow_line(overflow));
        }
        text
    }
}

/// What `run --dry-run --json` prints.
#[derive(Serialize)]
struct Estimate {
    #[serde(flatten)]
    amount: Amount,
    seconds: Option<f64>,
}

/// Measures the first batches of the first run, and says how long all runs will take.
fn estimate(
    args: &Args,
    model: &Model,
    amount: Amount,
    mut orders: Vec<Order>,
    mut line: ProgressLine,
) -> Result<(), Failure> {
    line.stage("measuring…");
    let text = amount.text(&orders);
    let mut estimate = Estimate { amount, seconds: None };
    let first = orders.swap_remove(0);
    if let Some(rate) = requests::measured(model, first.plan, &first.prompts)? {
        estimate.seconds = Some(estimate.amount.prompts as f64 / rate);
    }
    line.clear();
    if args.json {
        return Ok(print_json(&estimate)?);
    }
    let time = estimate.seconds.map_or_else(String::new, |seconds| {
        format!(
            "about {} on this machine, measured on the first batches\n",
            human_time(std::time::Duration::from_secs_f64(seconds))
        )
    });
    Ok(print(&format!("{text}\n{time}"))?)
}
