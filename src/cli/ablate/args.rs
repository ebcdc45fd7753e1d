//! Options of `partscope ablate`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::{
    cli::{context::LoadedRun, options::ModelOptions, output::ProgressLine},
    component::Component,
    experiments::{Ablation, Fill, Positions},
    store::Attachments,
    text::printable,
};

/// Ablate or scale components inside the forward pass and show direct, total and indirect effects.
///
/// The direct effect scales a contribution in the sum. The total effect is that of a re-run,
/// in which later layers react and norms are recomputed. The indirect effect is their
/// difference. Effects are measured on the run's test examples. Results are also written to
/// the run's folder; an interrupted --each leaves its partial results there.
///
/// Example: partscope ablate out --set L5.H3=0
///
/// Example: partscope ablate out --each --positions all --fill mean --json
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true)))]
pub(in crate::cli) struct Args {
    /// Folder of the run
    #[arg(value_name = "RUN")]
    pub(super) run: PathBuf,
    /// Apply a mix: a weights file from `partscope fit -o`; `-` reads standard input
    #[arg(long, value_name = "W.json", group = "what")]
    pub(super) mix: Option<PathBuf>,
    /// Apply these weights, and 1 to all other components: L5.H3=0,L2.MLP=2
    #[arg(long, value_name = "WEIGHTS", group = "what", value_delimiter = ',', value_parser = weight)]
    pub(super) set: Vec<(Component, f64)>,
    /// Ablate each component in turn
    #[arg(long, group = "what")]
    pub(super) each: bool,
    /// Token positions to change: the last one, where the label is predicted, or all
    #[arg(long, value_enum, default_value = "last")]
    positions: PositionsName,
    /// Replacement for the removed output: zero, or the component's mean over the test prompts
    #[arg(long, value_enum, default_value = "zero")]
    fill: FillName,
    #[command(flatten)]
    pub(super) model: ModelOptions,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
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

/// A loaded run with the options of the command.
pub(super) struct AblationJob<'a> {
    pub(super) args: &'a Args,
    pub(super) loaded: &'a LoadedRun,
    pub(super) ablation: Ablation,
    pub(super) attachments: &'a Attachments,
    pub(super) line: ProgressLine,
}

impl Args {
    /// Returns how components are ablated.
    pub(super) const fn ablation(&self) -> Ablation {
        Ablation {
            positions: match self.positions {
                PositionsName::Last => Positions::Last,
                PositionsName::All => Positions::All,
            },
            fill: match self.fill {
                FillName::Zero => Fill::Zero,
                FillName::Mean => Fill::Mean,
            },
        }
    }
}

/// Returns a file name such as `ablation-each-last-zero.json`.
pub(super) fn file_name(what: &str, ablation: Ablation) -> String {
    format!("ablation-{what}-{}-{}.json", ablation.positions.name(), ablation.fill.name())
}
