//! Who argued for what on one example.

use crate::attribution::{Attribution, argmax};

use super::{mixer::Desk, open_run::Sheet, tally::rival};

/// What one term adds to the margin of an example: gold minus its rival, in nats, as it is heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// The component by number; `None` for `rest`, with the offsets of the labels.
    pub component: Option<usize>,
    /// For gold if positive, for the rival if negative.
    pub margin: f64,
}

/// One example taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// Which test example.
    pub example: usize,
    /// The label it is taken apart for: gold, where that is known.
    pub gold: usize,
    /// The strongest wrong label under the model itself: what gold is held against.
    pub rival: usize,
    /// All terms that say something, most important first.
    pub terms: Vec<Term>,
    /// Their sum: the margin as it is heard.
    pub margin: f64,
}

impl Argument {
    /// Takes a test example of `sheet` apart, under the mix if that is heard.
    pub fn of(sheet: &Sheet, example: usize) -> Option<Self> {
        let (&gold, &rival) = (sheet.test.table.gold().get(example)?, sheet.test.tally.rivals().get(example)?);
        Some(Self::over(&sheet.test.table, example, (gold, rival), sheet.desk.on.then_some(&sheet.desk)))
    }

    /// Takes the only example of `table` apart, whose gold label nobody knows: for the label that is heard, against the
    /// runner-up.
    pub fn of_text(table: &Attribution, desk: Option<&Desk>) -> Self {
        let logits = desk.map_or_else(|| table.full().to_vec(), |desk| desk.logits(table));
        let said = argmax(&logits);
        Self::over(table, 0, (said, rival(&logits, said)), desk)
    }

    fn over(table: &Attribution, example: usize, (gold, rival): (usize, usize), desk: Option<&Desk>) -> Self {
        let at = example * table.labels();
        let margin = |values: &[f32]| f64::from(values[at + gold]) - f64::from(values[at + rival]);
        let heads = (0..table.shape().components()).map(|component| Term {
            component: Some(component),
            margin: desk.map_or(1.0, |desk| desk.weight(component)) * margin(table.contribution(component)),
        });
        let offsets = desk.map_or(&[][..], Desk::offsets);
        let offset = if offsets.is_empty() { 0.0 } else { offsets[gold] - offsets[rival] };
        let rest = Term { component: None, margin: desk.map_or(1.0, Desk::rest) * margin(table.rest()) + offset };
        let mut terms: Vec<Term> = heads.chain([rest]).filter(|term| term.margin != 0.0).collect();
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
        let mut sheet = Sheet::saved(0, fixture::run(&fixture::request(), 20));
        let weights = (0..72).map(|c| f64::from(c % 3)).collect();
        sheet.desk.load(&Mix { weights, rest: 0.5, offsets: vec![0.75, -0.75] });
        sheet.follow();
        for on in [false, true] {
            sheet.desk.on = on;
            for example in [0, 7, 19] {
                let argument = Argument::of(&sheet, example).unwrap();
                let gold = sheet.test.items[example].gold;
                let (a, b) = (example * 2 + gold, example * 2 + argument.rival);
                let full = sheet.test.table.full();
                let mixed = sheet.test.mixed.logits();
                let expected = if on { mixed[a] - mixed[b] } else { f64::from(full[a]) - f64::from(full[b]) };
                assert!((argument.margin - expected).abs() < 1e-4, "{} {expected}", argument.margin);
                assert!(argument.terms.windows(2).all(|pair| pair[0].margin.abs() >= pair[1].margin.abs()));
            }
        }
        assert_eq!(Argument::of(&sheet, 20), None);
    }
}
