//! `partscope compare`: compares saved runs.

use std::{fmt::Write, path::PathBuf};

use serde::Serialize;

use super::{
    context::open_run,
    failure::Failure,
    output::{print, print_json},
    streams::print_data,
};
use crate::{
    analysis::{
        Tally,
        compare::{
            Comparison, ComponentChange, DemoDifference, DemoPair, DemoSide, Flip, FromMean, Measure, Pull, compare,
            from_mean, transfer,
        },
        reweight::partscope,
    },
    cancel::Cancel,
    component::Component,
    report::difference_map,
    run::Run,
    text::printable,
};

/// Components listed by their change and by their pull on the flips.
const LISTED: usize = 10;

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

/// Test accuracy of the mixes of both runs, on both runs.
#[derive(Clone, Debug, Serialize)]
struct Transfer {
    /// Accuracy of each run's mix on each run, `[fitted on, scored on]`.
    accuracy: Vec<Vec<f64>>,
}

/// The comparison with what the options add.
#[derive(Debug, Serialize)]
struct Output {
    #[serde(flatten)]
    comparison: Comparison,
    #[serde(skip_serializing_if = "Option::is_none")]
    mixes: Option<Transfer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    against_mean: Vec<NamedFromMean>,
}

/// A run against the mean of the others.
#[derive(Debug, Serialize)]
struct NamedFromMean {
    run: String,
    #[serde(flatten)]
    from_mean: FromMean,
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

/// Fits the default mix on the training split of each run and scores it on both test splits.
fn mixes(a: &Run, b: &Run) -> Result<Transfer, Failure> {
    let fits = [a, b].map(|run| partscope(&run.train, &Cancel::default()));
    let [first, second] = fits;
    Ok(Transfer { accuracy: transfer(&[first?, second?], &[a, b])? })
}

fn against_mean(runs: &[Run]) -> Result<Vec<NamedFromMean>, Failure> {
    for run in &runs[1..] {
        crate::analysis::compare::matrix(&[&runs[0], run])?;
    }
    let accuracies: Vec<Vec<f64>> = runs.iter().map(|run| Tally::from_table(&run.test).accuracies()).collect();
    let found = from_mean(&accuracies, runs[0].test.shape());
    let named = runs.iter().zip(found);
    Ok(named.map(|(run, from_mean)| NamedFromMean { run: run.meta.name(), from_mean }).collect())
}

/// Rows of text.
struct Text(String);

impl Text {
    fn line(&mut self, row: impl AsRef<str>) {
        let _ = writeln!(self.0, "{}", row.as_ref());
    }
}

fn text(a: &Run, b: &Run, output: &Output, by: Measure) -> String {
    let (mut text, comparison) = (Text(String::new()), &output.comparison);
    heads(&mut text, a, b, comparison);
    text.line("demonstrations, A | B:");
    let pairs = &comparison.demonstrations;
    let widest = pairs.iter().map(|pair| demo_side(pair.a.as_ref()).chars().count()).max().unwrap_or(0);
    for (index, pair) in pairs.iter().enumerate() {
        text.line(demo_line(index, pair, widest));
    }
    labels(&mut text, a, comparison);
    movers(&mut text, comparison);
    changes(&mut text, comparison, by);
    if let Some(mixes) = &output.mixes {
        let share = |row: usize, column: usize| 100.0 * mixes.accuracy[row][column];
        text.line("accuracy of the fitted mixes, %:");
        text.line(format!("  mix of A   on A {:.1}  on B {:.1}", share(0, 0), share(0, 1)));
        text.line(format!("  mix of B   on A {:.1}  on B {:.1}", share(1, 0), share(1, 1)));
    }
    if !output.against_mean.is_empty() {
        text.line("each run against the mean of the others:");
    }
    for run in &output.against_mean {
        let far = run.from_mean.farthest.map_or_else(String::new, |(component, delta)| {
            format!("  farthest {component} {:+.1} points", 100.0 * delta)
        });
        text.line(format!("  {:<32} r {}{far}", printable(&run.run), number(run.from_mean.pearson)));
    }
    let words: Vec<&str> = a.meta.task.class_names().iter().map(|word| word.trim()).collect();
    for flip in &comparison.flips {
        text.line(flip_line(flip, &words));
    }
    text.0
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}

fn heads(text: &mut Text, a: &Run, b: &Run, comparison: &Comparison) {
    for (name, run, accuracy) in [("A", a, comparison.accuracy[0]), ("B", b, comparison.accuracy[1])] {
        let (task, prompt) = (&run.meta.task, &run.meta.prompt);
        text.line(format!(
            "{name}  {} · {} · {} shots · demo seed {} · full model {:.1}%",
            printable(&task.name),
            printable(&task.template),
            prompt.shots,
            prompt.demo_seed,
            100.0 * accuracy
        ));
    }
    let agreement = &comparison.agreement;
    text.line(format!(
        "component accuracies: Pearson {} (disjoint halves {}), Spearman {}, overlap of the best five {:.2}",
        number(agreement.pearson),
        number(agreement.pearson_disjoint),
        number(agreement.spearman),
        agreement.iou_top5
    ));
    let flips = comparison.flips.len();
    text.line(format!(
        "{flips} of {} shared test examples flipped; contributions correlate at {} (mean over examples)",
        comparison.shared,
        number(comparison.contribution_pearson)
    ));
}

/// Returns `  2 ~ positive: a warm film | negative: two hours of rain`, the first side padded to `widest` characters.
fn demo_line(index: usize, pair: &DemoPair, widest: usize) -> String {
    let mark = match pair.difference {
        DemoDifference::Same => "=",
        DemoDifference::OtherLabel => "≠",
        DemoDifference::OtherText => "~",
        DemoDifference::Other | DemoDifference::Missing => "≁",
    };
    format!("  {:>2} {mark} {:<widest$} | {}", index + 1, demo_side(pair.a.as_ref()), demo_side(pair.b.as_ref()))
}

/// Returns label and start of the text of a demonstration, or a dash without one.
fn demo_side(side: Option<&DemoSide>) -> String {
    /// Characters of a text.
    const TEXT: usize = 48;
    let Some(side) = side else { return "–".to_owned() };
    let whole = printable(if side.text.is_empty() { &side.id } else { &side.text });
    let cut: String = whole.chars().take(TEXT).collect();
    let rest = if cut.len() < whole.len() { "…" } else { "" };
    format!("{}: {cut}{rest}", printable(side.label.as_deref().unwrap_or("?")))
}

fn labels(text: &mut Text, a: &Run, comparison: &Comparison) {
    text.line(format!("{:<18}{:>7}{:>7}{:>7}{:>8}{:>7}", "predicted labels, %", "gold", "A", "B", "✗→✓", "✓→✗"));
    for (word, label) in a.meta.task.class_names().iter().zip(&comparison.labels) {
        let [first, second] = label.predicted.map(|share| 100.0 * share);
        let name = printable(word.trim());
        let (gold, won, lost) = (100.0 * label.gold, label.won, label.lost);
        text.line(format!("  {name:<17}{gold:>7.1}{first:>7.1}{second:>7.1}{won:>8}{lost:>7}"));
    }
}

fn movers(text: &mut Text, comparison: &Comparison) {
    let Some(movers) = &comparison.movers else { return };
    text.line("what moved all flips to B's label, mean change of the margin in nats, 95% interval:");
    let mut row = |name: &str, pull: &Pull| {
        let part = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:+.2}"));
        let [low, high] = pull.ci;
        let (won, lost) = (part(pull.won), part(pull.lost));
        text.line(format!("  {name:<9}{:>+7.2}  [{low:+.2}, {high:+.2}]  ✗→✓ {won}  ✓→✗ {lost}", pull.mean));
    };
    row("model", &movers.total);
    row("rest", &movers.rest);
    for mover in movers.components.iter().take(LISTED) {
        row(&mover.component.to_string(), &mover.pull);
    }
}

/// Lists the components whose quantity changed most.
fn changes(text: &mut Text, comparison: &Comparison, by: Measure) {
    let scale = if by == Measure::Margin { 1.0 } else { 100.0 };
    let mut ranked: Vec<&ComponentChange> = comparison.components.iter().collect();
    let change = |it: &ComponentChange| by.of(it)[1] - by.of(it)[0];
    ranked.sort_by(|x, y| change(y).abs().total_cmp(&change(x).abs()));
    let unit = if by == Measure::Margin { "nats" } else { "%" };
    text.line(format!("components whose {} changed most, {unit}:", by.name()));
    for it in ranked.into_iter().take(LISTED) {
        let [a, b] = by.of(it).map(|value| scale * value);
        let name: Component = it.component;
        text.line(format!("  {:<9}{a:>8.2}{b:>8.2}{:>+8.2}", name.to_string(), b - a));
    }
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
