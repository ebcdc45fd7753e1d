//! Who argued for what on one example.

use crate::{
    analysis::predict::{difference, rival},
    attribution::{Attribution, argmax},
};

use super::{mixer::Mixer, open_run::OpenRun};

/// What one term adds to the margin of an example: gold minus its rival, in nats, as it is heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarginTerm {
    /// The component by number; `None` for `rest`, with the offsets of the labels.
    pub component: Option<usize>,
    /// For gold if positive, for the rival if negative.
    pub margin: f64,
}

/// One example taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct MarginBreakdown {
    /// Which test example.
    pub example: usize,
    /// The label it is taken apart for: gold, where that is known.
    pub gold: usize,
    /// The strongest wrong label under the model itself: what gold is held against.
    pub rival: usize,
    /// All terms that say something, most important first.
    pub terms: Vec<MarginTerm>,
    /// Their sum: the margin as it is heard.
    pub margin: f64,
}

impl MarginBreakdown {
    /// Takes a test example of `run` apart, under the mix if that is heard.
    pub fn of(run: &OpenRun, example: usize) -> Option<Self> {
        let (&gold, &rival) = (run.test.table.gold().get(example)?, run.test.tally.rivals().get(example)?);
        Some(Self::over(&run.test.table, example, (gold, rival), run.mixer.on.then_some(&run.mixer)))
    }

    /// Takes the only example of `table` apart, whose gold label nobody knows: for the label that is heard, against the
    /// runner-up.
    pub fn of_text(table: &Attribution, mixer: Option<&Mixer>) -> Self {
        let logits = mixer.map_or_else(|| table.full().to_vec(), |mixer| mixer.logits(table));
        let said = argmax(&logits);
        Self::over(table, 0, (said, rival(&logits, said)), mixer)
    }

    fn over(table: &Attribution, example: usize, (gold, rival): (usize, usize), mixer: Option<&Mixer>) -> Self {
        let margin = |values: &[f32]| difference(values, table.labels(), example, gold, rival);
        let heads = (0..table.shape().components()).map(|component| MarginTerm {
            component: Some(component),
            margin: mixer.map_or(1.0, |mixer| mixer.weight(component)) * margin(table.contribution(component)),
        });
        let offsets = mixer.map_or(&[][..], Mixer::offsets);
        let offset = if offsets.is_empty() { 0.0 } else { offsets[gold] - offsets[rival] };
        let rest =
            MarginTerm { component: None, margin: mixer.map_or(1.0, Mixer::rest) * margin(table.rest()) + offset };
        let mut terms: Vec<MarginTerm> = heads.chain([rest]).filter(|term| term.margin != 0.0).collect();
        let total = terms.iter().map(|term| term.margin).sum();
        terms.sort_by(|a, b| b.margin.abs().total_cmp(&a.margin.abs()));
        Self { example, gold, rival, terms, margin: total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::Mix, app::tests::fixture};

    #[test]
    fn the_terms_add_up_to_the_margin_that_is_heard() {
        let mut run = OpenRun::saved(0, fixture::run(&fixture::request(), 20));
        let weights = (0..72).map(|c| f64::from(c % 3)).collect();
        run.mixer.load(&Mix { weights, rest: 0.5, offsets: vec![0.75, -0.75] });
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
