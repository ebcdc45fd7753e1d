//! Checks a run against itself: its tables, its examples and the measurements in its metadata say the same.
//!
//! Everything that reads a run relies on this, so it is checked once, when the run is opened, in one pass over the
//! tables. What can be measured again (accuracies, exactness) is measured again.

use std::collections::BTreeSet;

use super::{
    contradiction::{Contradiction, Outcome, in_meta},
    files::{EXAMPLES, TABLE},
    metadata,
    table::LABEL_GRAM,
};
use crate::{
    attribution::{Attribution, Exactness, Split, argmax},
    error::InputError,
    run::{AccuracyMeta, ExampleRecord, Run},
};

/// Relative difference allowed between a number and the same number read from JSON.
const TOLERANCE: f64 = 1e-6;

/// Checks the parts of a run against each other, and that all numbers are finite.
///
/// # Errors
/// The first contradiction.
pub(super) fn check(run: &Run) -> Outcome {
    metadata::shape(&run.meta)?;
    metadata::check(&run.meta)?;
    Split::ALL.into_iter().try_for_each(|split| finite(split, run.split(split)))?;
    examples(run)?;
    metadata::check_tokens(run)?;
    measurements(run)
}

/// Checks a run before it is saved.
///
/// # Errors
/// The first contradiction, if there is one.
pub(super) fn refuse(run: &Run) -> Result<(), InputError> {
    check(run).map_err(|wrong| InputError::new(wrong.problem).field(wrong.field))
}

/// Checks that a table has neither NaN nor infinite values.
fn finite(split: Split, table: &Attribution) -> Outcome {
    let words = table.words();
    let parts = |mlps: bool| words.parts(mlps).into_iter().flatten().all(|value| value.is_finite());
    let all = |values: &[f32]| values.iter().all(|value| value.is_finite());
    let finite =
        [("heads", parts(false)), ("mlps", parts(true)), ("rest", all(words.rest())), ("full", all(words.full()))];
    if !(0..table.shape().components()).filter_map(|index| table.output_norms(index)).all(are_norms) {
        return Err(in_table(format!("{}.norms", split.name()), "the tensor has values that are no squared norms"));
    }
    if !table.label_gram().is_none_or(|gram| is_gram(gram, words.shape().labels)) {
        return Err(in_table(LABEL_GRAM.to_owned(), "the tensor is no matrix of inner products"));
    }
    match finite.into_iter().find(|(_, finite)| !finite) {
        None => Ok(()),
        Some((name, _)) => {
            let problem = "the tensor has values that are not finite (NaN or infinite)";
            Err(in_table(format!("{}.{name}", split.name()), problem))
        }
    }
}

fn are_norms(values: &[f32]) -> bool {
    values.iter().all(|value| value.is_finite() && *value >= 0.0)
}

/// Returns whether `gram` `[words, words]` can be a matrix of inner products: symmetric and finite, with no inner product
/// larger than the lengths allow.
fn is_gram(gram: &[f64], words: usize) -> bool {
    let at = |row: usize, column: usize| gram[row * words + column];
    let fits = |(row, column): (usize, usize)| {
        at(row, column).total_cmp(&at(column, row)).is_eq()
            && at(row, column).is_finite()
            && at(row, row) >= 0.0
            && at(row, column).powi(2) <= at(row, row) * at(column, column) * (1.0 + TOLERANCE)
    };
    (0..words).flat_map(|row| (0..words).map(move |column| (row, column))).all(fits)
}

fn in_table(field: String, problem: &str) -> Contradiction {
    Contradiction { file: TABLE, field, line: None, problem: problem.to_owned() }
}

/// Checks that the examples are the rows of the tables, in their order.
fn examples(run: &Run) -> Outcome {
    let rows = run.train.len() + run.test.len();
    let wrong = |field: &str, line: Option<usize>, problem: String| {
        Err(Contradiction { file: EXAMPLES, field: field.to_owned(), line, problem })
    };
    if run.examples.len() != rows {
        return wrong("id", None, format!("{} examples, but the tables have {rows} rows", run.examples.len()));
    }
    let mut seen = BTreeSet::new();
    let places = Split::ALL.into_iter().flat_map(|split| (0..run.split(split).len()).map(move |row| (split, row)));
    for (line, (example, (split, row))) in run.examples.iter().zip(places).enumerate() {
        let line = Some(line + 1);
        if example.split != split {
            return wrong("split", line, format!("the example must belong to the split {}", split.name()));
        }
        if !seen.insert((split, example.id.as_str())) {
            return wrong("id", line, format!("the id `{}` is used twice", example.id));
        }
        let most = run.meta.prompt.prefix_tokens;
        if let Some(shared) = example.shared.filter(|&shared| shared > most) {
            return wrong("shared", line, format!("{shared} tokens of a shared prefix of {most}"));
        }
        if let Some((field, problem)) = difference(example, run.split(split), row) {
            return wrong(field, line, problem);
        }
    }
    Ok(())
}

/// Returns the field of `example` that differs from the row of its table, if any, and how.
fn difference(example: &ExampleRecord, table: &Attribution, row: usize) -> Option<(&'static str, String)> {
    let (labels, words) = (table.labels(), table.words().shape().labels);
    let logits = &table.words().full()[row * words..(row + 1) * words];
    let (gold, full) = (table.gold()[row], argmax(&table.full()[row * labels..(row + 1) * labels]));
    if example.gold != gold {
        return Some(("gold", format!("the label is {}, but {gold} in the tables", example.gold)));
    }
    if example.full != full {
        return Some(("full", format!("the prediction is {}, but {full} by the tables", example.full)));
    }
    let same = example.logits.len() == words
        && example.logits.iter().zip(logits).all(|(&a, &b)| close(f64::from(a), f64::from(b)));
    (!same).then(|| ("logits", "the logits differ from those of the tables".to_owned()))
}

/// Measures accuracies and exactness again, and compares them with those in `run.json`.
fn measurements(run: &Run) -> Outcome {
    let AccuracyMeta { full, components, chance, majority, ties, constant } = run.meta.accuracy;
    let measured = AccuracyMeta::measure(&run.test);
    let exactness = run.meta.exactness;
    let again = run.train.exactness().merge(run.test.exactness());
    let Exactness { max_abs, max_rel, argmax_mismatches, terms } = exactness;
    for (field, stated, measured) in [
        ("accuracy.full", full, measured.full),
        ("accuracy.components", components, measured.components),
        ("accuracy.chance", chance, measured.chance),
        ("accuracy.majority", majority, measured.majority),
        ("exactness.max_abs", max_abs, again.max_abs),
        ("exactness.max_rel", max_rel, again.max_rel),
        ("exactness.argmax_mismatches", argmax_mismatches as f64, again.argmax_mismatches as f64),
        // Older runs lack these.
        ("exactness.terms", terms, if terms == 0.0 { terms } else { again.terms }),
        ("accuracy.ties", ties as f64, if ties > 0 { measured.ties } else { 0 } as f64),
        ("accuracy.constant", f64::from(constant), f64::from(constant && measured.constant)),
    ] {
        if !close(stated, measured) {
            return Err(in_meta(field, format!("the file says {stated}, but the tables give {measured}")));
        }
    }
    Ok(())
}

/// Returns whether two numbers are equal but for rounding; false for NaN.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()) + 1e-12
}
