//! `partscope components`: lists the components of a saved run.

use std::{cmp::Ordering, fmt::Write, path::PathBuf};

use serde::Serialize;

use super::{
    context::open_run,
    failure::Failure,
    output::{print, print_json},
    streams::print_data,
};
use crate::{
    analysis::{
        ComponentStats, Thresholds,
        held_out::{HeldOutBest, held_out_best},
        summarize,
    },
    attribution::{F32_TOLERANCE, Split},
    error::{Error, InputError, Result},
    report::accuracy_map,
    run::{AccuracyMeta, RunMeta},
    text::printable,
};

/// List every component of a saved run: accuracy, interval, kind, share of each predicted label.
///
/// Example: partscope components out | head
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Split to score on: `test`, or `train`, the examples that weights are fitted on
    #[arg(long, value_name = "SPLIT", default_value = "test", value_parser = Split::ALL.map(Split::name))]
    split: String,
    /// Print one JSON object, components in layer order
    #[arg(long)]
    json: bool,
    /// Print the heat map of accuracies, an SVG document
    #[arg(long, conflicts_with_all = ["json", "split"])]
    svg: bool,
}

#[derive(Serialize)]
struct Listing {
    split: Split,
    components: Vec<ComponentStats>,
    held_out_best: Option<HeldOutBest>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let run = open_run(&args.run)?;
    let split = if args.split == Split::Train.name() { Split::Train } else { Split::Test };
    let scored = run.split(split);
    if scored.is_empty() {
        let error = InputError::new("the run has no training examples").field("--split");
        return Err(Error::from(error.help("run again with --train-examples, or use the split test")).into());
    }
    let components = summarize(scored, &Thresholds::default());
    if args.json {
        print_json(&Listing { split, components, held_out_best: held_out_best(scored) })?
    } else if args.svg {
        print_data(&accuracy_map(&printable(&run.meta.name()), &run, &components))?
    } else {
        print(&table(&run.meta, split, &AccuracyMeta::measure(scored), components))?
    }
    Ok(())
}

/// A column of the table, `width` characters wide.
struct Column {
    head: &'static str,
    width: usize,
    side: Side,
    cell: fn(&ComponentStats) -> String,
}

/// Alignment of a column.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// The columns before the shares of the predicted labels. `--json` has every field of [`ComponentStats`].
const COLUMNS: &[Column] = &[
    Column { head: "component", width: 10, side: Side::Left, cell: |stats| stats.component.to_string() },
    Column { head: "accuracy", width: 9, side: Side::Right, cell: |stats| format!("{:.3}", stats.accuracy) },
    Column {
        head: "interval",
        width: 17,
        side: Side::Right,
        cell: |stats| format!("{:.3}–{:.3}", stats.ci.0, stats.ci.1),
    },
    Column { head: "kappa", width: 8, side: Side::Right, cell: |stats| format!("{:.2}", stats.kappa) },
    Column { head: "q", width: 10, side: Side::Right, cell: |stats| format!("{:.1e}", stats.q) },
    Column { head: "  kind", width: 15, side: Side::Left, cell: |stats| format!("  {}", stats.kind) },
];

/// Formats one row of the table, without the shares.
fn row(text: impl Fn(&Column) -> String) -> String {
    let padded = |column: &Column| match (column.side, column.width, text(column)) {
        (Side::Left, width, text) => format!("{text:<width$}"),
        (Side::Right, width, text) => format!("{text:>width$}"),
    };
    COLUMNS.iter().map(padded).collect()
}

/// Formats the components, most accurate first.
fn table(meta: &RunMeta, split: Split, accuracy: &AccuracyMeta, mut components: Vec<ComponentStats>) -> String {
    components.sort_by(|a, b| b.accuracy.partial_cmp(&a.accuracy).unwrap_or(Ordering::Equal));
    let mut text = String::new();
    if !meta.exactness.holds(F32_TOLERANCE) {
        let _ = writeln!(
            text,
            "NOT EXACT: the contributions of this run do not add up (max_rel {:.1e})",
            meta.exactness.max_rel
        );
    }
    let words: Vec<String> = meta.task.class_names().iter().map(|word| printable(word.trim()).into_owned()).collect();
    let (n, kind) = match split {
        Split::Test => (meta.examples.test, "test"),
        Split::Train => (meta.examples.train, "training"),
    };
    let _ = writeln!(
        text,
        "{} {kind} examples, full model {:.3}, chance {:.3}; intervals 95% (Wilson); kinds at q ≤ {}",
        n,
        accuracy.full,
        accuracy.chance,
        Thresholds::default().q
    );
    let heads = row(|column| column.head.to_owned());
    let _ = writeln!(text, "{heads}predicted {}", words.join(" / "));
    for stats in &components {
        let shares: Vec<String> = stats.predicted.iter().map(|share| format!("{:.0}%", 100.0 * share)).collect();
        let beats = if stats.beats_full { "  beats the full model" } else { "" };
        let cells = row(|column| (column.cell)(stats));
        let _ = writeln!(text, "{cells}{}{beats}", shares.join(" / "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_the_positions_that_scripts_rely_on() {
        let heads = row(|column| column.head.to_owned());
        assert_eq!(heads, "component  accuracy         interval   kappa         q  kind         ");
    }
}
