//! `partscope sweep`: plans many runs, computes parts of them on many machines, and joins the results.

use std::{fmt::Write, path::PathBuf, time::Duration};

use clap::Subcommand;
use serde::Serialize;

use super::{
    failure::Failure,
    options::ModelOptions,
    output::{ProgressLine, human_time, print, print_json, read_text, warn},
    store_options::StoreOptions,
    streams::say,
};
use crate::{
    cancel::Cancel,
    error::Result,
    model::Model,
    runner::Note,
    sweep::{
        CellEvent, Merged, Partition, RunOptions, SweepFolder, SweepStatus, merge, parse_spec, plan, run as compute,
        status,
    },
    text::printable,
};

/// Run models × tasks × templates × seeds × budgets × shots on one machine or many.
///
/// The folder of a sweep is all that its processes share: any number may run at once, be killed, and start again.
///
/// Example: partscope sweep plan sweep.toml -o sweep && partscope sweep run sweep && partscope sweep merge sweep -o tables
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(PlanArgs),
    Run(RunArgs),
    Status(StatusArgs),
    Merge(MergeArgs),
}

/// List the runs of a sweep with their estimated cost, and write them to a manifest that never changes
///
/// Example: partscope sweep plan sweep.toml -o sweep
#[derive(Debug, clap::Args)]
struct PlanArgs {
    /// The file that describes the sweep; docs/clusters.md lists its fields
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
    /// Folder of the sweep
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Do not load the models: costs are then relative, and a model that changes later is not noticed
    #[arg(long)]
    no_measure: bool,
    /// Number of threads for measuring [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Never connect to the network
    #[arg(long)]
    offline: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Compute the runs of a sweep, or a part of them
///
/// Exits with 0 if all of the part are done, 4 if some failed, and 3 if a model or task cannot be used.
///
/// Example: partscope sweep run sweep --partition slurm
#[derive(Debug, clap::Args)]
struct RunArgs {
    /// Folder of the sweep
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The part to compute: slice:i/n (consecutive runs), hash:i/n, cost:i/n (equal estimated cost), with i from 0;
    /// or slurm, cost:i/n for this task of a job array [default: all]
    #[arg(long, value_name = "PART")]
    partition: Option<String>,
    /// Compute runs again that failed
    #[arg(long)]
    retry_failed: bool,
    /// Count a run as failed when this many processes ended without a word while they computed it
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    max_kills: u64,
    /// Number of threads [default: SLURM_CPUS_PER_TASK, or all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Never connect to the network
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    store: StoreOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Show which runs of a sweep are done, running or failed, and when all will be done
///
/// Example: partscope sweep status sweep
#[derive(Debug, clap::Args)]
struct StatusArgs {
    /// Folder of the sweep
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Join the results of a sweep: rows.parquet, rows.csv, tables.json and report.html
///
/// The files are the same bytes whoever computed the runs. Exits with 4 if runs are missing.
///
/// Example: partscope sweep merge sweep -o tables
#[derive(Debug, clap::Args)]
struct MergeArgs {
    /// Folder of the sweep
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Folder for the files
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::Plan(args) => run_plan(args),
        Command::Run(args) => run_part(args),
        Command::Status(args) => show_status(args),
        Command::Merge(args) => run_merge(args),
    }
}

/// What `sweep plan --json` prints.
#[derive(Serialize)]
struct Planned<'a> {
    cells: usize,
    checksum: &'a str,
    /// Estimated seconds of all cells together; `null` if a model was not measured.
    seconds: Option<f64>,
    models: Vec<PlannedCost<'a>>,
}

#[derive(Serialize)]
struct PlannedCost<'a> {
    name: &'a str,
    cells: usize,
    seconds: Option<f64>,
}

fn run_plan(args: &PlanArgs) -> Result<(), Failure> {
    let spec = parse_spec(&args.file, &read_text(&args.file)?)?;
    let mut threads = args.threads;
    let mut load = |name: &str| -> Result<Model> {
        ModelOptions::of_sweep(name, &spec.common.dtype, &spec.common.device, (threads.take(), args.offline)).load()
    };
    let load: Option<&mut dyn FnMut(&str) -> Result<Model>> = if args.no_measure { None } else { Some(&mut load) };
    let planned = plan(&spec, load, &Cancel::default())?;
    let sweep = SweepFolder::create(&args.output, &planned)?;
    let manifest = &sweep.manifest;
    let cost = |index: usize| {
        let cells = || manifest.cells.iter().filter(move |cell| cell.model == index);
        let model = &manifest.models[index];
        let seconds = model.measured.then(|| cells().map(|cell| cell.cost).sum());
        PlannedCost { name: &model.name, cells: cells().count(), seconds }
    };
    let models: Vec<PlannedCost<'_>> = (0..manifest.models.len()).map(cost).collect();
    let seconds = models.iter().map(|model| model.seconds).sum();
    let planned = Planned { cells: manifest.cells.len(), checksum: &manifest.checksum, seconds, models };
    if args.json {
        return Ok(print_json(&planned)?);
    }
    let time = |seconds: Option<f64>| seconds.map_or("not measured".to_owned(), |s| format!("about {}", time(s)));
    let mut text = String::new();
    for model in &planned.models {
        let _ = writeln!(text, "{}: {} runs, {}", printable(model.name), model.cells, time(model.seconds));
    }
    let _ = writeln!(text, "{} runs together, {} on this machine", planned.cells, time(planned.seconds));
    Ok(print(&text)?)
}

fn run_part(args: &RunArgs) -> Result<(), Failure> {
    let sweep = SweepFolder::open(&args.folder)?;
    let variable = |name: &str| std::env::var(name).ok();
    let partition = match &args.partition {
        Some(text) => Partition::parse(text, &variable)?,
        None => Partition::whole(),
    };
    let chosen = partition.cells(&sweep.manifest.cells);
    let mut threads = args.threads.or_else(|| variable("SLURM_CPUS_PER_TASK")?.trim().parse().ok());
    let common = &sweep.manifest.common;
    let mut load = |planned: &crate::sweep::PlannedModel| -> Result<Model> {
        let options =
            ModelOptions::of_sweep(&planned.name, &common.dtype, &common.device, (threads.take(), args.offline));
        let mut loading = options.load_options()?;
        let free = loading.free_memory();
        let given = slurm_memory(&variable).filter(|_| loading.device.is_cpu());
        loading.memory = given.map_or(free, |given| Some(free.map_or(given, |free| free.min(given))));
        Model::load(&options.source()?, &loading)
    };
    let mut line = ProgressLine::new();
    let total = chosen.len();
    let mut observe = |event: CellEvent| match event {
        CellEvent::Left(left) => line.stage(&format!("{} of {total} runs", total - left)),
        CellEvent::Note(Note::Waiting) => line.stage("waiting for another process that computes the last runs"),
        CellEvent::Note(note) if note.is_problem() => line.warn(&note.to_string()),
        CellEvent::Note(_) => {}
        CellEvent::Failed(cell, reason) => line.warn(&format!("{}: {}", printable(&cell), printable(&reason))),
        CellEvent::Unusable(reason) => line.warn(&reason),
    };
    let options = RunOptions { retry_failed: args.retry_failed, max_kills: args.max_kills };
    let cancel = Cancel::default();
    let summary = compute(&sweep, &chosen, options, &mut load, &args.store.store()?, &cancel, &mut observe)?;
    line.clear();
    if args.json {
        print_json(&summary)?;
    } else {
        let (computed, before) = (summary.computed, summary.already_done);
        print(&format!("{computed} runs computed, {before} were done, {} failed\n", summary.failed))?;
    }
    if summary.unusable > 0 {
        say(&format!("partscope: {} runs were left, as their model or task cannot be used", summary.unusable));
        return Err(Failure::BadInput);
    }
    if summary.failed > 0 {
        say("partscope: `partscope sweep status` says why runs failed; `sweep run --retry-failed` computes them again");
        return Err(Failure::Partial);
    }
    Ok(())
}

/// Returns the memory that Slurm gives this task, in bytes.
fn slurm_memory(variable: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let number = |name: &str| variable(name)?.trim().parse::<u64>().ok().filter(|megabytes| *megabytes > 0);
    let cpus = || number("SLURM_CPUS_PER_TASK").unwrap_or(1);
    let megabytes = number("SLURM_MEM_PER_NODE").or_else(|| Some(number("SLURM_MEM_PER_CPU")? * cpus()))?;
    Some(megabytes << 20)
}

fn show_status(args: &StatusArgs) -> Result<(), Failure> {
    let found = status(&SweepFolder::open(&args.folder)?);
    if args.json {
        return Ok(print_json(&found)?);
    }
    let SweepStatus { cells, done, running, leases, failed, killed, seconds_left } = &found;
    let mut text = format!("{done} of {cells} runs done, {running} running, {} failed", failed.len());
    if let Some(seconds) = seconds_left.filter(|_| done + failed.len() < *cells) {
        let _ = write!(text, ", about {} left", time(seconds));
    }
    text.push('\n');
    for lease in leases {
        let (cell, owner) = (printable(&lease.cell), printable(&lease.owner));
        let _ = writeln!(text, "running  {cell}  on {owner}, seen {:.0} s ago", lease.age_s);
    }
    for failure in failed {
        let _ = writeln!(text, "failed   {}: {}", printable(&failure.cell), printable(&failure.reason));
    }
    for killed in killed {
        let kills = killed.kills;
        let _ = writeln!(text, "killed   {}: {kills} processes ended without a word", printable(&killed.cell));
    }
    Ok(print(&text)?)
}

fn run_merge(args: &MergeArgs) -> Result<(), Failure> {
    let sweep = SweepFolder::open(&args.folder)?;
    let merged = merge(&sweep, &args.output, &Cancel::default())?;
    let Merged { cells, done, missing, processors, damaged, .. } = &merged;
    for problem in damaged {
        warn(&format!("a damaged result was set aside: {problem}"));
    }
    if processors.len() > 1 {
        warn(&format!("runs come from {} kinds of processors; their numbers differ by rounding", processors.len()));
    }
    if args.json {
        print_json(&merged)?;
    } else {
        print(&format!("{done} of {cells} runs merged into {}\n", printable(&args.output.display().to_string())))?;
    }
    if missing.is_empty() {
        return Ok(());
    }
    let name = |missing: &crate::sweep::MissingCell| printable(&missing.cell).into_owned();
    let first: Vec<String> = missing.iter().take(3).map(name).collect();
    let more = if missing.len() > first.len() { ", …" } else { "" };
    say(&format!("partscope: {} runs are missing: {}{more}; tables.json lists them", missing.len(), first.join(", ")));
    Err(Failure::Partial)
}

fn time(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds).map_or_else(|_| "very long".to_owned(), human_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_what_slurm_gives() {
        let memory = |set: &[(&str, &str)]| {
            slurm_memory(&|name| set.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(memory(&[]), None);
        assert_eq!(memory(&[("SLURM_MEM_PER_NODE", "2048")]), Some(2 << 30));
        assert_eq!(memory(&[("SLURM_MEM_PER_CPU", "512"), ("SLURM_CPUS_PER_TASK", "4")]), Some(2 << 30));
        assert_eq!(memory(&[("SLURM_MEM_PER_NODE", "0")]), None);
    }
}
