//! Options of `partscope ablate`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::fill_source::{FillFrom, FillSource};
use crate::{
    cli::{context::LoadedRun, failure::Failure, options::ModelOptions, output::ProgressLine},
    component::Component,
    error::Result,
    experiments::{Ablation, Fill, Positions, RunContext},
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
/// With --fill-from, replacements come from the prompts of another run of the same model on
/// the same test examples, which are run again: its means, or with --fill paired the output on
/// the same example (activation patching).
///
/// Example: partscope ablate out --set L5.H3=0
///
/// Example: partscope ablate out --each --positions all --fill mean --json
///
/// Example: partscope ablate shuffled --each --fill paired --fill-from out
///
/// Example: partscope ablate shuffled --residual --fill-from out
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
    /// Patch the residual stream before each layer at each position of one example with that of the same example of the
    /// run of --fill-from; the two prompts must have the same number of tokens
    #[arg(long, group = "what", requires = "fill_from", conflicts_with_all = ["fill", "positions"])]
    pub(super) residual: bool,
    /// The test example of --residual, by id [default: the first]
    #[arg(long, value_name = "ID", requires = "residual")]
    pub(super) example: Option<String>,
    /// Token positions to change: the last one, where the label is predicted, or all
    #[arg(long, value_enum, default_value = "last")]
    positions: PositionsName,
    /// Replacement for the removed output: zero, the component's mean over the test prompts, or its output on the
    /// same example of the run of --fill-from
    #[arg(long, value_enum, default_value = "zero")]
    fill: FillName,
    /// Take means or paired outputs from the test prompts of this run, made with another template, other
    /// demonstrations or other labels
    #[arg(long, value_name = "RUN")]
    pub(super) fill_from: Option<PathBuf>,
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
    Paired,
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
    pub(super) fill_source: Option<&'a FillSource<'a>>,
    pub(super) attachments: &'a Attachments,
    pub(super) line: ProgressLine,
}

impl<'a> AblationJob<'a> {
    /// Returns the model and prompts, with the source of replacement values.
    pub(super) fn context(&self) -> Result<RunContext<'a>> {
        let context = self.loaded.context()?;
        match self.fill_source {
            Some(source) => source.attach(context, self.loaded, self.ablation),
            None => Ok(context),
        }
    }

    /// Describes the run of `--fill-from` in results.
    pub(super) fn fill_from(&self) -> Option<FillFrom> {
        self.fill_source.map(FillSource::describe)
    }

    /// Returns a file name such as `ablation-residual-0123456789ab.json`.
    pub(super) fn residual_file(&self) -> String {
        format!("ablation-residual-{}.json", self.fill_source.map_or("", FillSource::short_key))
    }

    /// Returns a file name such as `ablation-each-last-zero.json`; another run's key follows the fill that is from it.
    pub(super) fn file_name(&self, what: &str) -> String {
        let (positions, fill) = (self.ablation.positions.name(), self.ablation.fill.name());
        let from = self.fill_source.map(|source| format!("-{}", source.short_key())).unwrap_or_default();
        format!("ablation-{what}-{positions}-{fill}{from}.json")
    }
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
                _ if self.residual => Fill::Paired,
                FillName::Zero => Fill::Zero,
                FillName::Mean => Fill::Mean,
                FillName::Paired => Fill::Paired,
            },
        }
    }

    /// Checks that `--fill` and `--fill-from` go together.
    pub(super) fn check_fill(&self) -> Result<(), Failure> {
        let advice = match (self.fill, &self.fill_from) {
            _ if self.residual => return Ok(()),
            (FillName::Zero, Some(_)) => "--fill-from needs values to take; add --fill mean or --fill paired",
            (FillName::Paired, None) => "--fill paired needs another run; add --fill-from RUN",
            _ => return Ok(()),
        };
        Err(Failure::Usage(advice.to_owned()))
    }
}
