//! `partscope reproduce`: runs the paper's protocol and prints its two tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::PathBuf,
    time::Duration,
};

use serde::Serialize;

use super::{
    failure::Failure,
    options::ModelOptions,
    output::{ProgressLine, human_time, print, print_json},
    prompt_options::overflow,
    store_options::StoreOptions,
    streams::say,
};
use crate::{
    cancel::Cancel,
    disk::{create_folder, write_whole},
    error::{Error, InputError, Result},
    model::Source,
    protocol::{
        AccuracyRow, AgreementRow, CellSettings, Mean, Protocol, ProtocolEvent, ProtocolRow, accuracy_table, agreement,
    },
    runner::Overflow,
    task::Library,
    text::signed,
};

/// Run the paper's protocol: tasks × templates × demonstration sets, every method on the same labels.
///
/// Model results are cached: a second call computes nothing, and an interrupted one resumes where it stopped.
///
/// Example: partscope reproduce -m demo --tasks sentiment,topic --seeds 2
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelOptions,
    /// Tasks by name or file, separated by commas [default: the paper's eight data sets from the hub; for the
    /// demo model, the embedded tasks]
    #[arg(long, value_name = "TASKS", value_delimiter = ',')]
    tasks: Vec<String>,
    /// Demonstration sets per template
    #[arg(long, value_name = "N", default_value_t = 5)]
    seeds: u64,
    /// Templates per task
    #[arg(long, value_name = "N", default_value_t = 3)]
    templates: usize,
    /// Labels per run, demonstrations included
    #[arg(long, value_name = "K", default_value_t = 24)]
    budget: usize,
    /// Maximum number of scored examples [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How to handle prompts longer than the model's context: error, drop-demos or skip
    #[arg(long, value_name = "POLICY", default_value = "error", value_parser = overflow)]
    on_overflow: Overflow,
    /// Score on the development split, for choosing methods
    #[arg(long)]
    dev: bool,
    /// Also compute hidden states, in a second pass, and score the methods that classify them: hidden_centroid,
    /// hidden_logistic, sav
    #[arg(long)]
    with_hidden: bool,
    #[command(flatten)]
    store: StoreOptions,
    /// Also write rows.json, accuracy.csv, measures.csv and agreement.csv to this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What `reproduce --json` prints.
#[derive(Serialize)]
struct Report {
    rows: Vec<ProtocolRow>,
    accuracy: Vec<AccuracyRow>,
    agreement: Vec<AgreementRow>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let names = match (args.model.source()?, args.tasks.is_empty()) {
        (_, false) => args.tasks.clone(),
        (Source::Demo, true) => Library.names(),
        (_, true) => Library.paper(),
    };
    let tasks = names.iter().map(|name| Library.task(name)).collect::<Result<Vec<_>>>()?;
    let protocol = Protocol {
        tasks,
        templates: args.templates,
        seeds: args.seeds,
        settings: CellSettings {
            budget: args.budget,
            shots: None,
            on_dev: args.dev,
            limit: args.limit,
            on_overflow: args.on_overflow,
            with_hidden: args.with_hidden,
        },
    };
    let runs = protocol.cells().len();
    if runs == 0 {
        return Err(InputError::new("there is nothing to run").help("raise --seeds, --templates or --tasks").into());
    }
    if let Some(folder) = &args.output {
        create_folder(folder)?;
    }
    let model = args.model.load()?;
    let cancel = Cancel::default();
    let store = args.store.store()?;
    let pending = protocol.pending(&model, &store)?;
    if pending > 0 {
        let estimate = Duration::from_secs_f64(protocol.seconds_per_run(&model, &cancel)? * pending as f64);
        let time = human_time(estimate);
        say(&format!("{pending} of {runs} runs to compute, about {time} on this machine (measured on a few examples)"));
    }
    let mut line = ProgressLine::new();
    let rows = protocol.reproduce(&model, &store, &cancel, &mut |event| match event {
        ProtocolEvent::Progress(progress) => line.count(&progress, "runs"),
        ProtocolEvent::Note(note) if note.is_problem() => line.warn(&note.to_string()),
        ProtocolEvent::Note(_) => {}
    })?;
    line.clear();
    let report = Report { accuracy: accuracy_table(&rows), agreement: agreement(&rows), rows };
    if let Some(folder) = &args.output {
        write_files(folder, &report)?;
    }
    if args.json {
        print_json(&report)?
    } else {
        print(&tables(&report))?
    }
    Ok(())
}

fn task_names(report: &Report) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    report.rows.iter().map(|row| row.task.as_str()).filter(|name| seen.insert(*name)).collect()
}

fn tables(report: &Report) -> String {
    let tasks = task_names(report);
    let mut text = String::from("Accuracy, mean (SD) over runs; mean of tasks with 95% interval\n");
    let width = |name: &str| name.chars().count().max(11) + 2;
    let _ = write!(text, "{:<24}", "method");
    for task in &tasks {
        let _ = write!(text, "{task:>0$}", width(task));
    }
    let _ = writeln!(
        text,
        "{:>24}{:>22}{:>7}{:>9}{:>7}{:>7}{:>8}",
        "mean", "Δ partscope", "+/−", "macro F1", "ECE", "NLL", "shares"
    );
    for row in &report.accuracy {
        let _ = write!(text, "{:<24}", row.method.name());
        for task in &tasks {
            let (mean, deviation) = row.tasks.get(*task).copied().unwrap_or((f64::NAN, f64::NAN));
            let cell = format!("{:.1} ({:.1})", 100.0 * mean, 100.0 * deviation);
            let _ = write!(text, "{cell:>0$}", width(task));
        }
        let mean = format!("{:.1} [{:.1}, {:.1}]", 100.0 * row.mean, 100.0 * row.ci.0, 100.0 * row.ci.1);
        let difference = row.difference.map_or("–".to_owned(), |own| {
            format!("{} [{:.1}, {:.1}]", signed(100.0 * own.mean, 1), 100.0 * own.ci.0, 100.0 * own.ci.1)
        });
        let _ = write!(text, "{mean:>24}{difference:>22}{:>7}", format!("{}/{}", row.wins, row.losses));
        for (name, width) in [("macro_f1", 9), ("ece", 7), ("nll", 7), ("share_sd", 8)] {
            let value = row.measures.get(name).copied().flatten();
            let value = value.map_or("–".to_owned(), |own| format!("{:.3}", own.mean));
            let _ = write!(text, "{value:>width$}");
        }
        text.push('\n');
    }
    text.push_str("oracle_* use test labels; batch and domain use other test examples\n");
    text.push_str("Δ partscope: paired difference of accuracies; +/−: tasks won and lost against partscope\n");
    text.push_str(
        "macro F1, ECE (calibration error), NLL (nats) and shares (deviation of label shares): means of tasks\n",
    );
    text.push_str(&remarks(&report.rows));
    text.push('\n');
    text.push_str("Agreement of component accuracies (mean over pairs of runs)\n");
    let _ = writeln!(text, "{:<16}{:>26}{:>32}{:>26}", "", "Pearson r", "r on disjoint halves", "IoU of the best five");
    let _ = writeln!(text, "{:<16}{}", "task", "   demos templates  contrast".repeat(3));
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    for row in &report.agreement {
        let _ = write!(text, "{:<16}", row.task);
        for pairs in [row.pearson, row.pearson_disjoint, row.iou_top5] {
            let _ = write!(
                text,
                "{:>8}{:>10}{:>10}",
                number(pairs.demos),
                number(pairs.templates),
                number(pairs.contrastive)
            );
        }
        text.push('\n');
    }
    text
}

/// Says how many examples were left out or repeated, over all counted runs of each task.
fn remarks(rows: &[ProtocolRow]) -> String {
    let mut text = String::new();
    let mut sums: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.counted) {
        let (leaked, duplicates) = sums.entry(&row.task).or_default();
        *leaked += row.leaked;
        *duplicates = row.duplicates.max(*duplicates);
    }
    for (task, (leaked, duplicates)) in sums {
        if leaked > 0 {
            let _ = writeln!(
                text,
                "{task}: {leaked} test examples left out of its runs together: they are demonstrations or training \
                 examples word for word"
            );
        }
        if duplicates > 0 {
            let _ = writeln!(text, "{task}: {duplicates} test examples repeat the text of another one");
        }
    }
    text
}

/// Returns the measures of every method as CSV: means over tasks and their intervals.
fn measures(report: &Report) -> String {
    let mut csv = String::from("method,measure,mean,ci_low,ci_high\n");
    for row in &report.accuracy {
        let accuracy = Some(Mean { mean: row.mean, ci: row.ci });
        let others = row.measures.iter().map(|(name, mean)| (*name, *mean));
        for (name, mean) in [("accuracy", accuracy), ("difference", row.difference)].into_iter().chain(others) {
            if let Some(Mean { mean, ci }) = mean {
                let _ = writeln!(csv, "{},{name},{mean},{},{}", row.method.name(), ci.0, ci.1);
            }
        }
    }
    csv
}

fn write_files(folder: &std::path::Path, report: &Report) -> Result<()> {
    let write = |name: &str, text: String| write_whole(&folder.join(name), text.as_bytes());
    let rows = serde_json::to_string_pretty(&report.rows).map_err(|error| Error::Model(error.to_string()))?;
    write("rows.json", rows + "\n")?;
    let mut csv = String::from("method,task,mean,sd\n");
    for row in &report.accuracy {
        for (task, (mean, deviation)) in &row.tasks {
            let _ = writeln!(csv, "{},{task},{mean},{deviation}", row.method.name());
        }
        let _ = writeln!(csv, "{},mean of tasks,{},", row.method.name(), row.mean);
    }
    write("accuracy.csv", csv)?;
    write("measures.csv", measures(report))?;
    let mut csv = String::from("task,measure,demos,templates,contrastive\n");
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for row in &report.agreement {
        for (name, pairs) in
            [("pearson", row.pearson), ("pearson_disjoint", row.pearson_disjoint), ("iou_top5", row.iou_top5)]
        {
            let [demos, templates, contrastive] = [pairs.demos, pairs.templates, pairs.contrastive].map(number);
            let _ = writeln!(csv, "{},{name},{demos},{templates},{contrastive}", row.task);
        }
    }
    write("agreement.csv", csv)
}
