//! `partscope sweep run`.

use std::path::PathBuf;

use crate::{
    cancel::Cancel,
    cli::{
        failure::Failure,
        options::ModelOptions,
        output::{ProgressLine, print, print_json},
        store_options::StoreOptions,
        streams::say,
    },
    error::{InputError, Result},
    model::Model,
    runner::Note,
    sweep::{CellEvent, Common, Partition, PlannedModel, RunOptions, RunSummary, SweepFolder, run as compute},
    text::printable,
};

/// Compute the runs of a sweep, or a part of them
///
/// Exits with 0 if all of the part are done, 4 if some failed, and 3 if a model or task cannot be used.
///
/// Example: partscope sweep run sweep --partition slurm
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the sweep
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The part to compute: slice:i/n (consecutive runs), hash:i/n, cost:i/n (equal estimated cost), with i from 0;
    /// or slurm, cost:i/n for this task of a job array [default: all]
    #[arg(long, value_name = "PART")]
    partition: Option<String>,
    /// Compute runs again that failed
    #[arg(long)]
    retry: bool,
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

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let sweep = SweepFolder::open(&args.folder)?;
    let partition = args.partition.as_ref().map_or(Ok(Partition::whole()), |text| Partition::parse(text, &variable))?;
    let chosen = partition.cells(&sweep.manifest.cells);
    let mut loader = Loader { common: &sweep.manifest.common, threads: args.threads()?, offline: args.offline };
    let mut load = |planned: &PlannedModel| loader.load(planned);
    let mut line = ProgressLine::new();
    let mut observe = |event: CellEvent| show(&mut line, chosen.len(), &event);
    let options = RunOptions { retry: args.retry, max_kills: args.max_kills };
    let store = args.store.store()?;
    let summary = compute(&sweep, &chosen, options, &mut load, &store, &Cancel::default(), &mut observe)?;
    line.clear();
    if args.json {
        print_json(&summary)?;
    } else {
        let (computed, before) = (summary.computed, summary.already_done);
        print(&format!("{computed} runs computed, {before} were done, {} failed\n", summary.failed))?;
    }
    outcome(&summary)
}

/// Returns how the command ends, and says what to do about runs that are not done.
fn outcome(summary: &RunSummary) -> Result<(), Failure> {
    if summary.unusable > 0 {
        say(&format!("partscope: {} runs were left, as their model or task cannot be used", summary.unusable));
        return Err(Failure::BadInput);
    }
    if summary.failed > 0 {
        say("partscope: `partscope sweep status` says why runs failed; `sweep run --retry` computes them again");
        return Err(Failure::Partial);
    }
    Ok(())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn show(line: &mut ProgressLine, total: usize, event: &CellEvent) {
    match event {
        CellEvent::Left(left) => line.stage(&format!("{} of {total} runs", total - left)),
        CellEvent::Note(Note::Waiting) => line.stage("waiting for another process that computes the last runs"),
        CellEvent::Note(note) if note.is_problem() => line.warn(&note.to_string()),
        CellEvent::Note(_) => {}
        CellEvent::Failed(cell, reason) => line.warn(&format!("{}: {}", printable(cell), printable(reason))),
        CellEvent::Unusable(reason) => line.warn(reason),
    }
}

impl Args {
    /// Returns the number of threads: the option's, or Slurm's.
    fn threads(&self) -> Result<Option<usize>> {
        const NAME: &str = "SLURM_CPUS_PER_TASK";
        let of_slurm = || variable(NAME).filter(|_| self.threads.is_none());
        let parsed = of_slurm().map(|text| text.trim().parse().map_err(|_| text));
        let wrong =
            |text: String| InputError::new(format!("{NAME} is `{text}`, not a number")).help("give --threads N");
        Ok(parsed.transpose().map_err(wrong)?.or(self.threads))
    }
}

/// Loads models as the sweep wants them.
struct Loader<'a> {
    common: &'a Common,
    /// The number of threads, until it is set with the first model.
    threads: Option<usize>,
    offline: bool,
}

impl Loader<'_> {
    fn load(&mut self, planned: &PlannedModel) -> Result<Model> {
        let work = (self.threads.take(), self.offline);
        let options = ModelOptions::of_sweep(&planned.name, &self.common.dtype, &self.common.device, work);
        let mut loading = options.load_options()?;
        let free = loading.free_memory();
        let given = slurm_memory(&variable).filter(|_| loading.device.is_cpu());
        loading.memory = given.map_or(free, |given| Some(free.map_or(given, |free| free.min(given))));
        Model::load(&options.source()?, &loading)
    }
}

/// Returns the memory that Slurm gives this task, in bytes.
fn slurm_memory(variable: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let number = |name: &str| variable(name)?.trim().parse::<u64>().ok().filter(|megabytes| *megabytes > 0);
    let cpus = || number("SLURM_CPUS_PER_TASK").unwrap_or(1);
    let megabytes = number("SLURM_MEM_PER_NODE").or_else(|| Some(number("SLURM_MEM_PER_CPU")? * cpus()))?;
    Some(megabytes << 20)
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
