//! Each component's contribution to the margin of one example.

use crate::{
    analysis::{
        Mix,
        predict::{difference, rival},
    },
    attribution::{Attribution, ClassLogit, argmax},
};

use super::{mixer::Mixer, open_run::OpenRun};

/// Contribution of one term to the margin of gold over its rival, in nats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarginTerm {
    /// Index of the component; `None` for `rest` and the label offsets.
    pub component: Option<usize>,
    /// Contribution in nats: positive for gold, negative for the rival.
    pub margin: f64,
}

/// Margin of one example, split by component.
#[derive(Clone, Debug, PartialEq)]
pub struct MarginBreakdown {
    /// Index of the test example.
    pub example: usize,
    /// The gold label, or the predicted one where gold is unknown.
    pub gold: usize,
    /// The strongest other label under the unchanged model, or of a text the runner-up.
    pub rival: usize,
    /// All nonzero terms, largest size first.
    pub terms: Vec<MarginTerm>,
    /// Sum of the terms: the margin under the current weights, in nats.
    pub margin: f64,
}

impl MarginBreakdown {
    /// Breaks down a test example of `run`, under the mix if it is on; `None` if the example is not computed yet.
    pub fn new(run: &OpenRun, example: usize) -> Option<Self> {
        let (&gold, &rival) = (run.test.table.gold().get(example)?, run.test.tally.rivals().get(example)?);
        Some(Self::between(&run.test.table, example, (gold, rival), run.mixer.on.then_some(&run.mixer)))
    }

    /// Breaks down the single example of `table`, which has no gold label: predicted label against runner-up.
    pub fn for_text(table: &Attribution, mixer: Option<&Mixer>) -> Self {
        let logits = mixer.map_or_else(|| table.full().to_vec(), |mixer| mixer.logits(table));
        let predicted = argmax(&logits);
        Self::between(table, 0, (predicted, rival(&logits, predicted)), mixer)
    }

    fn between(table: &Attribution, example: usize, (gold, rival): (usize, usize), mixer: Option<&Mixer>) -> Self {
        let held = mixer.and_then(|mixer| held_words(table, example, &mixer.mix()));
        let margin = |words: &[f32]| {
            let width = table.words().shape().labels;
            let row = &words[example * width..(example + 1) * width];
            match (&held, table.word_classes()) {
                (Some(held), Some(classes)) => difference(&classes.pick(row, held), table.labels(), 0, gold, rival),
                _ => difference(&table.addends_of(example, row), table.labels(), 0, gold, rival),
            }
        };
        let (words, rest) = (table.words(), table.words().rest());
        let heads = (0..table.shape().components()).map(|component| MarginTerm {
            component: Some(component),
            margin: mixer.map_or(1.0, |mixer| mixer.weight(component)) * margin(words.contribution(component)),
        });
        let offsets = mixer.map_or(&[][..], Mixer::offsets);
        let offset = if offsets.is_empty() { 0.0 } else { offsets[gold] - offsets[rival] };
        let rest = MarginTerm { component: None, margin: mixer.map_or(1.0, Mixer::rest) * margin(rest) + offset };
        let mut terms: Vec<MarginTerm> = heads.chain([rest]).filter(|term| term.margin != 0.0).collect();
        let total = terms.iter().map(|term| term.margin).sum();
        terms.sort_by(|a, b| b.margin.abs().total_cmp(&a.margin.abs()));
        Self { example, gold, rival, terms, margin: total }
    }
}

/// Returns the words that rank first under `mix` on one example, if a class is the largest of several: with these, the
/// terms add up.
fn held_words(table: &Attribution, example: usize, mix: &Mix) -> Option<Vec<u32>> {
    let classes = table.word_classes().filter(|classes| classes.class_logit() == ClassLogit::Max)?;
    Some(classes.best_words(&mix.word_logits(&table.filter(|row| row == example))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::fixture;

    #[test]
    fn the_terms_add_up_to_the_margin() {
        let mut run = OpenRun::saved(0, fixture::run(&fixture::request(), 20));
        let weights = (0..72).map(|c| f64::from(c % 3)).collect();
        run.mixer.load(&Mix { weights, rest: 0.5, offsets: vec![0.75, -0.75] }, "fit");
        run.update_predictions();
        for on in [false, true] {
            run.mixer.on = on;
            for example in [0, 7, 19] {
                let breakdown = MarginBreakdown::new(&run, example).unwrap();
                let gold = run.test.items[example].gold;
                let (a, b) = (example * 2 + gold, example * 2 + breakdown.rival);
                let full = run.test.table.full();
                let mixed = run.test.mixed.logits();
                let expected = if on { mixed[a] - mixed[b] } else { f64::from(full[a]) - f64::from(full[b]) };
                assert!((breakdown.margin - expected).abs() < 1e-4, "{} {expected}", breakdown.margin);
                assert!(breakdown.terms.windows(2).all(|pair| pair[0].margin.abs() >= pair[1].margin.abs()));
            }
        }
        assert_eq!(MarginBreakdown::new(&run, 20), None);
    }
}
