//! `partscope ablate`: components changed inside the forward pass.
//!
//! One command asks two questions of a run: what does this change do, and what does each component do. They share their
//! options and how effects are stated; one re-run and a sweep that can be interrupted share nothing else.

mod each;
mod effects;
mod mixed;

use std::path::PathBuf;

use clap::ValueEnum;

use super::{Failure, options::ModelOptions, output::ProgressLine, subject::Loaded};
use crate::{
    cause::{Ablation, Fill, Positions},
    component::Component,
    store::Beside,
    text::printable,
};

/// Change components inside the forward pass and state direct, total and indirect effects.
///
/// The direct effect scales a contribution in the sum; the total effect is that of a re-run
/// in which later layers react and norms are realised anew; the indirect effect is their
/// difference. Effects are on the run's test examples. Results are also written beside the
/// run; a sweep that is interrupted leaves there what it has.
///
/// Example: partscope ablate out --set L5.H3=0
///
/// Example: partscope ablate out --each --positions all --fill mean --json
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true)))]
pub(super) struct Args {
    /// Folder of the run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Apply a mix: weights that `partscope fit -o` wrote; `-` reads standard input
    #[arg(long, value_name = "W.json", group = "what")]
    mix: Option<PathBuf>,
    /// Apply weights given here, 1 for all others: L5.H3=0,L2.MLP=2
    #[arg(long, value_name = "WEIGHTS", group = "what", value_delimiter = ',', value_parser = weight)]
    set: Vec<(Component, f64)>,
    /// Ablate each component in turn
    #[arg(long, group = "what")]
    each: bool,
    /// At which tokens: the last one, where the label is read off, or all of them
    #[arg(long, value_enum, default_value = "last")]
    positions: PositionsName,
    /// What stands in for what is taken away: nothing, or the component's mean over the test prompts
    #[arg(long, value_enum, default_value = "zero")]
    fill: FillName,
    #[command(flatten)]
    model: ModelOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PositionsName {
    Last,
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FillName {
    Zero,
    Mean,
}

fn weight(text: &str) -> Result<(Component, f64), String> {
    let wrong = || format!("`{}` is not a weight: write L5.H3=0", printable(text));
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let component = name.trim().parse::<Component>().map_err(|error| error.to_string())?;
    let value: f64 = value.trim().parse().map_err(|_| wrong())?;
    if (value as f32).is_finite() { Ok((component, value)) } else { Err(wrong()) }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let ablation = Ablation {
        positions: match args.positions {
            PositionsName::Last => Positions::Last,
            PositionsName::All => Positions::All,
        },
        fill: match args.fill {
            FillName::Zero => Fill::Zero,
            FillName::Mean => Fill::Mean,
        },
    };
    let mut line = ProgressLine::new();
    let loaded = Loaded::open(&args.run, &args.model, &mut line)?;
    let beside = Beside::of(&args.run)?;
    if args.each {
        each::run(args, &loaded, ablation, &beside, line)
    } else {
        mixed::run(args, &loaded, ablation, &beside, line)
    }
}

/// `ablation-each-last-zero.json`.
fn file_name(what: &str, ablation: Ablation) -> String {
    format!("ablation-{what}-{}-{}.json", ablation.positions.name(), ablation.fill.name())
}
