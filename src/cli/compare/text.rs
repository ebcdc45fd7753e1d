//! A comparison as text.

use std::{collections::BTreeMap, fmt::Write};

use super::output::{Output, Transfer};
use crate::{
    analysis::compare::{Comparison, ComponentChange, DemoDifference, DemoPair, DemoSide, Flip, Measure, Pull},
    component::Component,
    run::Run,
    task::Library,
    text::printable,
};

/// Components listed by their change and by their pull on the flips.
const LISTED: usize = 10;

/// Rows of text.
struct Text(String);

impl Text {
    fn line(&mut self, row: impl AsRef<str>) {
        let _ = writeln!(self.0, "{}", row.as_ref());
    }
}

/// Returns the comparison as text, with the components ranked by their change of `by`.
pub(super) fn text(a: &Run, b: &Run, output: &Output, by: Measure) -> String {
    let (mut text, comparison) = (Text(String::new()), &output.comparison);
    heads(&mut text, a, b, comparison);
    text.line("demonstrations, A | B:");
    let pairs = &comparison.demonstrations;
    let words = [a, b].map(LabelWords::of);
    let sides = |pair: &DemoPair| [words[0].demo(pair.a.as_ref()), words[1].demo(pair.b.as_ref())];
    let sides: Vec<[String; 2]> = pairs.iter().map(sides).collect();
    let widest = sides.iter().map(|[first, _]| first.chars().count()).max().unwrap_or(0);
    for (index, (pair, sides)) in pairs.iter().zip(&sides).enumerate() {
        text.line(demo_line((index, pair.difference), sides, widest));
    }
    labels(&mut text, a, comparison);
    movers(&mut text, comparison);
    changes(&mut text, comparison, by);
    if let Some(mixes) = &output.mixes {
        transferred(&mut text, mixes, comparison);
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

/// Lists the accuracy of both mixes on the shared examples, or on all examples of each run if none are shared.
fn transferred(text: &mut Text, mixes: &Transfer, comparison: &Comparison) {
    let [a, b] = comparison.examples;
    let (table, of) = if mixes.shared_accuracy.is_empty() {
        (&mixes.accuracy, format!("{a} examples of A and {b} of B, none shared"))
    } else {
        (&mixes.shared_accuracy, format!("n = {}, shared by A and B", comparison.shared))
    };
    text.line(format!("accuracy of the fitted mixes, % ({of}):"));
    for (name, row) in ["A", "B"].into_iter().zip(table) {
        text.line(format!("  mix of {name}   on A {:.1}  on B {:.1}", 100.0 * row[0], 100.0 * row[1]));
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}

fn heads(text: &mut Text, a: &Run, b: &Run, comparison: &Comparison) {
    for (side, (name, run)) in [("A", a), ("B", b)].into_iter().enumerate() {
        let (task, prompt) = (&run.meta.task, &run.meta.prompt);
        text.line(format!(
            "{name}  {} · {} · {} shots · demo seed {} · full model {}",
            printable(&task.name),
            printable(&task.template),
            prompt.shots,
            prompt.demo_seed,
            accuracy(comparison, side)
        ));
    }
    let agreement = &comparison.agreement;
    let own = if comparison.examples == [comparison.shared; 2] { "" } else { ", each run on all its examples" };
    text.line(format!(
        "component accuracies{own}: Pearson {} (disjoint halves {}), Spearman {}, overlap of the best five {:.2}",
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

/// Returns the accuracy of a run on the shared examples, `72.5% (n = 200)`, and on all its examples if it has others.
fn accuracy(comparison: &Comparison, side: usize) -> String {
    let (all, own) = (comparison.examples[side], 100.0 * comparison.accuracy[side]);
    match comparison.shared_accuracy {
        Some(shared) if comparison.shared < all => {
            let (share, count) = (100.0 * shared[side], comparison.shared);
            format!("{share:.1}% (n = {count} shared; {own:.1}% of all {all})")
        }
        Some(_) => format!("{own:.1}% (n = {all})"),
        None => format!("{own:.1}% (n = {all}, none shared)"),
    }
}

/// Returns `  2 ~ positive: a warm film | negative: two hours of rain`, the first side padded to `widest` characters.
fn demo_line((index, difference): (usize, DemoDifference), [a, b]: &[String; 2], widest: usize) -> String {
    let mark = match difference {
        DemoDifference::Same => "=",
        DemoDifference::OtherLabel => "≠",
        DemoDifference::OtherText => "~",
        DemoDifference::Other | DemoDifference::Missing => "≁",
    };
    format!("  {:>2} {mark} {a:<widest$} | {b}", index + 1)
}

/// The words of a run's labels, by the names that its task gives the labels.
struct LabelWords(BTreeMap<String, String>);

impl LabelWords {
    /// Reads the names from the task's file; without it, names stay as they are.
    fn of(run: &Run) -> Self {
        let outline = run.meta.request.as_ref().and_then(|request| Library.outline(&request.task).ok());
        let words = run.meta.task.class_names().iter().map(|word| word.trim().to_owned());
        let names = outline.map(|outline| outline.labels).unwrap_or_default();
        Self(names.into_iter().zip(words).collect())
    }

    /// Returns label word and start of the text of a demonstration, or a dash without one.
    fn demo(&self, side: Option<&DemoSide>) -> String {
        /// Characters of a text.
        const TEXT: usize = 48;
        let Some(side) = side else { return "–".to_owned() };
        let whole = printable(if side.text.is_empty() { &side.id } else { &side.text });
        let cut: String = whole.chars().take(TEXT).collect();
        let rest = if cut.len() < whole.len() { "…" } else { "" };
        let label = side.label.as_deref().unwrap_or("?");
        let word = self.0.get(label).map_or(label, String::as_str);
        format!("{}: {cut}{rest}", printable(word))
    }
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
