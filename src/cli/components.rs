//! `partscope components`: lists the components of a saved run.

use std::{cmp::Ordering, fmt::Write, path::PathBuf};

use serde::Serialize;

use super::{
    failure::Failure,
    output::{print, print_json},
};
use crate::{
    analysis::{ComponentStats, Thresholds, summarize},
    attribution::F32_TOLERANCE,
    error::Result,
    run::RunMeta,
    store,
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
    /// Print one JSON object, components in layer order
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing {
    components: Vec<ComponentStats>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let run = store::open(&args.run)?;
    let components = summarize(&run.test, &Thresholds::default());
    if args.json {
        print_json(&Listing { components })?
    } else {
        print(&table(&run.meta, components))?
    }
    Ok(())
}

/// Formats the components, most accurate first.
fn table(meta: &RunMeta, mut components: Vec<ComponentStats>) -> String {
    components.sort_by(|a, b| b.accuracy.partial_cmp(&a.accuracy).unwrap_or(Ordering::Equal));
    let mut text = String::new();
    if !meta.exactness.holds(F32_TOLERANCE) {
        let _ = writeln!(
            text,
            "NOT EXACT: the contributions of this run do not add up (max_rel {:.1e})",
            meta.exactness.max_rel
        );
    }
    let words: Vec<String> = meta.task.label_words.iter().map(|word| printable(word.trim()).into_owned()).collect();
    let n = meta.examples.test;
    let _ = writeln!(
        text,
        "{} test examples, full model {:.3}, chance {:.3}; intervals 95% (Wilson); kinds at q ≤ {}",
        n,
        meta.accuracy.full,
        meta.accuracy.chance,
        Thresholds::default().q
    );
    let _ = writeln!(
        text,
        "{:<10}{:>9}{:>17}{:>8}{:>10}  {:<13}predicted {}",
        "component",
        "accuracy",
        "interval",
        "kappa",
        "q",
        "kind",
        words.join(" / ")
    );
    for stats in &components {
        let shares: Vec<String> = stats.predicted.iter().map(|share| format!("{:.0}%", 100.0 * share)).collect();
        let interval = format!("{:.3}–{:.3}", stats.ci.0, stats.ci.1);
        let beats = if stats.beats_full { "  beats the full model" } else { "" };
        let _ = writeln!(
            text,
            "{:<10}{:>9.3}{:>17}{:>8.2}{:>10.1e}  {:<13}{}{beats}",
            stats.component,
            stats.accuracy,
            interval,
            stats.kappa,
            stats.q,
            stats.kind,
            shares.join(" / ")
        );
    }
    text
}
