//! Counts that follow a table while it fills.
//!
//! Everything the map shows during a run comes from here, so that a new batch costs time for its own examples only.

use crate::attribution::{Attribution, argmax};

/// What every component said so far, and what the model said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    labels: usize,
    /// Per component, how often its label was the gold one, `[C]`.
    hits: Vec<u32>,
    /// Per component, how often it said each label, `[C, Y]`.
    said: Vec<u32>,
    /// Per component, the sum of its contributions to the margins, `[C]`, in nats.
    margins: Vec<f64>,
    /// The model's own predictions, `[N]`.
    full: Vec<usize>,
    /// Per example, the strongest label under the model that is not gold, `[N]`.
    rivals: Vec<usize>,
    full_hits: u32,
    /// Sum of the model's own margins, in nats.
    full_margins: f64,
}

impl Tally {
    /// Counts nothing yet of a table of this shape.
    pub fn new(table: &Attribution) -> Self {
        let components = table.shape().components();
        Self {
            labels: table.labels(),
            hits: vec![0; components],
            said: vec![0; components * table.labels()],
            margins: vec![0.0; components],
            ..Self::default()
        }
    }

    /// Counts the rows of `table` that were not there before.
    pub fn absorb(&mut self, table: &Attribution) {
        let (labels, from) = (self.labels, self.full.len());
        let gold = &table.gold()[from..];
        for (row, &gold) in table.full().chunks_exact(labels).skip(from).zip(gold) {
            self.full.push(argmax(row));
            self.rivals.push(rival(row, gold));
            self.full_hits += u32::from(argmax(row) == gold);
            self.full_margins += f64::from(row[gold]) - f64::from(row[rival(row, gold)]);
        }
        for component in 0..self.hits.len() {
            let rows = table.contribution(component).chunks_exact(labels).skip(from);
            for ((row, &gold), &rival) in rows.zip(gold).zip(&self.rivals[from..]) {
                let label = argmax(row);
                self.hits[component] += u32::from(label == gold);
                self.said[component * labels + label] += 1;
                self.margins[component] += f64::from(row[gold]) - f64::from(row[rival]);
            }
        }
    }

    /// Examples counted.
    pub const fn len(&self) -> usize {
        self.full.len()
    }

    /// Whether no example was counted.
    pub const fn is_empty(&self) -> bool {
        self.full.is_empty()
    }

    fn share(&self, count: u32) -> Option<f64> {
        (!self.is_empty()).then(|| f64::from(count) / self.len() as f64)
    }

    /// Accuracy of a component, once there is an example.
    pub fn accuracy(&self, component: usize) -> Option<f64> {
        self.share(self.hits[component])
    }

    /// Accuracy of the model itself.
    pub fn full_accuracy(&self) -> Option<f64> {
        self.share(self.full_hits)
    }

    /// Mean over the examples of gold minus the strongest other label under the model itself, in nats.
    pub fn full_margin(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.full_margins / self.len() as f64)
    }

    /// How often a component said each label.
    pub fn said(&self, component: usize) -> &[u32] {
        &self.said[component * self.labels..(component + 1) * self.labels]
    }

    /// The label that a component said every time, if it did.
    pub fn only_label(&self, component: usize) -> Option<usize> {
        let said = self.said(component);
        let only = said.iter().position(|&count| count as usize == self.len())?;
        (!self.is_empty()).then_some(only)
    }

    /// How far a component is from saying all labels equally often: 0 if it does, 1 if it says only one.
    pub fn bias(&self, component: usize) -> Option<f64> {
        let entropy = |&count: &u32| {
            let share = f64::from(count) / self.len() as f64;
            if count == 0 { 0.0 } else { -share * share.ln() }
        };
        let most = (self.labels as f64).ln();
        (!self.is_empty()).then(|| (1.0 - self.said(component).iter().map(entropy).sum::<f64>() / most).max(0.0))
    }

    /// Mean contribution of a component to the margin, in nats.
    pub fn margin(&self, component: usize) -> Option<f64> {
        (!self.is_empty()).then(|| self.margins[component] / self.len() as f64)
    }

    /// The model's own predictions.
    pub fn full(&self) -> &[usize] {
        &self.full
    }

    /// The strongest wrong label of every example, under the model itself.
    pub fn rivals(&self) -> &[usize] {
        &self.rivals
    }
}

/// The strongest label that is not `gold`; the first wins a tie.
pub fn rival(row: &[f32], gold: usize) -> usize {
    let others = (0..row.len()).filter(|&label| label != gold);
    others.reduce(|best, label| if row[label] > row[best] { label } else { best }).unwrap_or(gold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::fixture;

    #[test]
    fn batches_add_up_to_the_whole() {
        let whole = fixture::table(30);
        let mut at_once = Tally::new(&whole);
        at_once.absorb(&whole);
        let mut by_parts = Tally::new(&whole);
        for rows in [7, 8, 21, 30] {
            by_parts.absorb(&whole.filter(|row| row < rows));
        }
        assert_eq!(by_parts.len(), 30);
        assert_eq!((&by_parts.hits, &by_parts.said, &by_parts.full), (&at_once.hits, &at_once.said, &at_once.full));
        let gap = by_parts.margins.iter().zip(&at_once.margins).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(gap < 1e-9);
    }

    #[test]
    fn counts_are_those_of_the_definition() {
        let table = fixture::table(30);
        let mut tally = Tally::new(&table);
        assert_eq!((tally.accuracy(0), tally.bias(0), tally.only_label(0)), (None, None, None));
        tally.absorb(&table);
        for component in [0, 4, 9, 40, 71] {
            let said: Vec<usize> = table.contribution(component).chunks_exact(2).map(argmax).collect();
            let hits = said.iter().zip(table.gold()).filter(|(a, b)| a == b).count();
            assert_eq!(tally.accuracy(component), Some(hits as f64 / 30.0));
            let only = said.iter().all(|&label| label == said[0]).then_some(said[0]);
            assert_eq!(tally.only_label(component), only);
            assert_eq!(only.is_some(), tally.bias(component) == Some(1.0));
        }
    }

    #[test]
    fn the_rival_is_the_strongest_of_the_others() {
        assert_eq!(rival(&[3.0, 1.0, 2.0], 0), 2);
        assert_eq!(rival(&[3.0, 1.0, 2.0], 2), 0);
        assert_eq!(rival(&[3.0, 3.0, 3.0], 0), 1);
    }
}
