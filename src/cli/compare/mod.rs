//! `partscope compare`: compares saved runs.

mod output;
mod text;

use std::path::PathBuf;

use output::{Output, against_mean, mixes};
use text::text;

use super::{
    context::open_run,
    failure::Failure,
    output::{print, print_json},
    streams::print_data,
};
use crate::{
    analysis::compare::{Comparison, ComponentChange, Measure, compare},
    report::difference_map,
    run::Run,
    text::printable,
};

/// Compare two saved runs of one model: the demonstrations side by side, the predicted labels, the components that
/// moved all flipped examples and each one, and the correlation of component accuracies. More runs are each compared
/// with the mean of the others.
///
/// Example: partscope compare out-space out-newline
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the first run
    #[arg(value_name = "RUN_A")]
    a: PathBuf,
    /// Folder of the second run
    #[arg(value_name = "RUN_B")]
    b: PathBuf,
    /// Folders of more runs
    #[arg(value_name = "RUN")]
    more: Vec<PathBuf>,
    /// Components listed per flipped example
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: usize,
    /// Quantity by whose change components are listed
    #[arg(long, value_name = "QUANTITY", default_value = "accuracy", value_parser = Measure::ALL.map(Measure::name))]
    by: String,
    /// Fit a mix on each run and apply it to the other
    #[arg(long)]
    mix: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print the heat map of B's accuracies minus A's, an SVG document
    #[arg(long, conflicts_with = "json")]
    svg: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let folders = [&args.a, &args.b].into_iter().chain(&args.more);
    let runs = folders.map(|folder| open_run(folder)).collect::<Result<Vec<_>, _>>()?;
    let (a, b) = (&runs[0], &runs[1]);
    let output = Output {
        comparison: compare(a, b, args.top)?,
        mixes: if args.mix { Some(mixes(a, b)?) } else { None },
        against_mean: if args.more.is_empty() { Vec::new() } else { against_mean(&runs)? },
    };
    if args.json {
        print_json(&output)?
    } else if args.svg {
        print_data(&map(a, b, &output.comparison))?
    } else {
        let by = Measure::ALL.into_iter().find(|measure| measure.name() == args.by).unwrap_or_default();
        print(&text(a, b, &output, by))?
    }
    Ok(())
}

fn map(a: &Run, b: &Run, comparison: &Comparison) -> String {
    let names = [a, b].map(|run| printable(&run.meta.name()).into_owned());
    let change = |it: &ComponentChange| it.accuracy[1] - it.accuracy[0];
    let differences: Vec<f64> = comparison.components.iter().map(change).collect();
    difference_map([&names[0], &names[1]], &differences, a.test.shape())
}
