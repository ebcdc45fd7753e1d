//! `partscope compare`: compares two saved runs.

use std::{fmt::Write, path::PathBuf};

use super::{
    context::open_run,
    failure::Failure,
    output::{print, print_json},
};
use crate::{
    analysis::compare::{Comparison, Flip, compare},
    run::Run,
    text::printable,
};

/// Compare two saved runs of one model: correlation of component accuracies, overlap of the best components, flipped
/// examples and the components that flipped them.
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
    /// Components listed per flipped example
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (a, b) = (open_run(&args.a)?, open_run(&args.b)?);
    let comparison = compare(&a, &b, args.top)?;
    if args.json {
        print_json(&comparison)?
    } else {
        print(&table(&a, &b, &comparison))?
    }
    Ok(())
}

fn table(a: &Run, b: &Run, comparison: &Comparison) -> String {
    let mut text = String::new();
    let mut line = |row: String| {
        let _ = writeln!(text, "{row}");
    };
    for (name, run, accuracy) in [("A", a, comparison.accuracy[0]), ("B", b, comparison.accuracy[1])] {
        let (task, prompt) = (&run.meta.task, &run.meta.prompt);
        line(format!(
            "{name}  {} · {} · {} shots · demo seed {} · full model {:.1}%",
            printable(&task.name),
            printable(&task.template),
            prompt.shots,
            prompt.demo_seed,
            100.0 * accuracy
        ));
    }
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    let agreement = &comparison.agreement;
    line(format!(
        "component accuracies: Pearson {} (disjoint halves {}), Spearman {}, overlap of the best five {:.2}",
        number(agreement.pearson),
        number(agreement.pearson_disjoint),
        number(agreement.spearman),
        agreement.iou_top5
    ));
    let flips = comparison.flips.len();
    line(format!(
        "{flips} of {} shared test examples flipped; contributions correlate at {} (mean over examples)",
        comparison.shared,
        number(comparison.contribution_pearson)
    ));
    let words: Vec<&str> = a.meta.task.class_names().iter().map(|word| word.trim()).collect();
    for flip in &comparison.flips {
        line(flip_line(flip, &words));
    }
    text
}

fn flip_line(flip: &Flip, words: &[&str]) -> String {
    let word = |label: usize| printable(words.get(label).copied().unwrap_or("?")).into_owned();
    let moved: Vec<String> =
        flip.components.iter().map(|moved| format!("{} {:+.2}", moved.component, moved.delta)).collect();
    format!(
        "  {:<22} gold {}, A {}, B {}: {}",
        printable(&flip.id),
        word(flip.gold),
        word(flip.a),
        word(flip.b),
        moved.join("  ")
    )
}
