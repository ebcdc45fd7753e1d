//! Fits for classes whose logit is the largest of several label words.
//!
//! Such a logit is piecewise linear in the weights, and the objective is not convex. With one word held per example and
//! class it is the ordinary problem. It is solved in rounds: the words that the model itself ranks first, a fit, the
//! words that rank first under its weights, a fit of these, until the words stay. Then no small change of the weights
//! lowers the objective; another choice of words might. Where they do not stay, the round with the lowest loss on the
//! training labels counts, and the fit says so ([`Fit::words_change`]).

use crate::{
    analysis::{mix::Mix, predict::cross_entropy, reweight::Fit},
    attribution::{Attribution, ClassLogit, WordClasses},
    error::Result,
};

/// Maximum number of rounds.
const ROUNDS: usize = 20;

/// Fits with `fit`, which sees one column per class whose contributions add up.
pub(super) fn with_words(train: &Attribution, fit: impl Fn(&Attribution) -> Result<Fit>) -> Result<Fit> {
    let Some(classes) = piecewise(train) else { return fit(train) };
    let chosen = |mix: &Mix| classes.best_words(&mix.word_logits(train));
    let mut words = chosen(&Mix::identity(train.shape()));
    let mut best: Option<(f64, Fit)> = None;
    for _ in 0..ROUNDS {
        let found = fit(&train.holding(&words))?;
        let next = chosen(&found.mix);
        if next == words {
            return Ok(found);
        }
        let loss = cross_entropy(&found.mix.logits(train), train.gold(), train.labels());
        if best.as_ref().is_none_or(|(least, _)| loss < *least) {
            best = Some((loss, Fit { words_change: true, ..found }));
        }
        words = next;
    }
    best.map_or_else(|| fit(train), |(_, fit)| Ok(fit))
}

/// Returns the table with the words that the model itself ranks first; `None` if the table's contributions add up.
pub(super) fn with_model_words(train: &Attribution) -> Option<Attribution> {
    piecewise(train).map(|classes| {
        let logits = Mix::identity(train.shape()).word_logits(train);
        train.holding(&classes.best_words(&logits))
    })
}

/// Returns the classes if a class logit is the largest of several.
fn piecewise(train: &Attribution) -> Option<&WordClasses> {
    train.word_classes().filter(|classes| classes.class_logit() == ClassLogit::Max)
}
