//! Counts per component, updated as a table fills.
//!
//! A [`Tally`] reads only the rows that are new since its last update. Accuracies, predicted labels, mean margins, kinds
//! and tests are all computed from it: the explorer repaints from it after every batch, and `components` reads it once.

use rayon::prelude::*;

use crate::{
    analysis::{
        counts::{Counts, RowLabels},
        predict::{label_bias, margin, rival},
    },
    attribution::{Attribution, argmax},
    component::Shape,
};

/// Number of new contributions above which components are counted in parallel. For fewer, waiting for the thread pool,
/// which an attribution keeps busy, would take longer than counting.
const PARALLEL: usize = 1 << 20;

/// Counts of the predictions of every component and of the model, up to now.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    labels: usize,
    counts: Vec<Counts>,
    /// The label that the full model predicts, `[N]`.
    full: Vec<usize>,
    /// The strongest label under the full model that is not gold, `[N]`.
    rivals: Vec<usize>,
    full_hits: usize,
    /// Sum of the full model's margins, in nats.
    full_margin: f64,
}

impl Tally {
    /// Counts of no example yet.
    pub fn new(shape: Shape) -> Self {
        Self {
            labels: shape.labels,
            counts: vec![Counts::new(shape.labels); shape.components()],
            full: Vec::new(),
            rivals: Vec::new(),
            full_hits: 0,
            full_margin: 0.0,
        }
    }

    /// Counts of all rows that `table` has now.
    pub fn from_table(table: &Attribution) -> Self {
        let mut tally = Self::new(table.shape());
        tally.update(table);
        tally
    }

    /// Counts the rows that are new in the same table since the last update.
    pub fn update(&mut self, table: &Attribution) {
        let (labels, start) = (self.labels, self.len());
        if labels == 0 || table.len() <= start {
            return;
        }
        let gold = &table.gold()[start..];
        self.count_full(&table.full()[start * labels..], gold);
        let rows = RowLabels { gold, full: &self.full[start..], rivals: &self.rivals[start..], labels };
        let count = |(index, counts): (usize, &mut Counts)| {
            counts.add(&table.contribution(index)[start * labels..], &table.addends(start, index), &rows);
        };
        if gold.len() * labels * self.counts.len() < PARALLEL {
            self.counts.iter_mut().enumerate().for_each(count);
        } else {
            self.counts.par_iter_mut().enumerate().with_min_len(32).for_each(count);
        }
    }

    fn count_full(&mut self, full: &[f32], gold: &[usize]) {
        for (row, &gold) in full.chunks_exact(self.labels).zip(gold) {
            let predicted = argmax(row);
            self.full.push(predicted);
            self.rivals.push(rival(row, gold));
            self.full_hits += usize::from(predicted == gold);
            self.full_margin += margin(row, gold);
        }
    }

    /// Number of examples counted `N`.
    pub const fn len(&self) -> usize {
        self.full.len()
    }

    /// Whether no example has been counted yet.
    pub const fn is_empty(&self) -> bool {
        self.full.is_empty()
    }

    /// Number of labels (classes) `Y`.
    pub const fn labels(&self) -> usize {
        self.labels
    }

    /// Counts of every component, in the order of the table's shape.
    pub fn counts(&self) -> &[Counts] {
        &self.counts
    }

    /// The mean of a sum over examples; `None` before the first example.
    fn mean(&self, sum: f64) -> Option<f64> {
        (!self.is_empty()).then(|| sum / self.len() as f64)
    }

    /// Accuracy of the component at `index`; `None` before the first example.
    pub fn accuracy(&self, index: usize) -> Option<f64> {
        self.mean(self.counts[index].hits as f64)
    }

    /// Accuracy of every component, `[C]`; 0 before the first example.
    pub fn accuracies(&self) -> Vec<f64> {
        (0..self.counts.len()).map(|index| self.accuracy(index).unwrap_or(0.0)).collect()
    }

    /// Examples by the label that the component at `index` predicts, `[Y]`.
    pub fn predicted(&self, index: usize) -> &[usize] {
        &self.counts[index].predicted
    }

    /// The label that the component at `index` predicts on every example; `None` if it predicts several.
    pub fn only_label(&self, index: usize) -> Option<usize> {
        let only = self.predicted(index).iter().position(|&count| count == self.len());
        only.filter(|_| !self.is_empty())
    }

    /// Graded label bias of the component at `index` ([`label_bias`]); `None` before the first example.
    pub fn bias(&self, index: usize) -> Option<f64> {
        (!self.is_empty()).then(|| label_bias(self.predicted(index)))
    }

    /// Mean contribution of the component at `index` to gold minus the strongest rival under the full model, in nats.
    pub fn margin(&self, index: usize) -> Option<f64> {
        self.mean(self.counts[index].margin)
    }

    /// Accuracy of the full model; `None` before the first example.
    pub fn full_accuracy(&self) -> Option<f64> {
        self.mean(self.full_hits as f64)
    }

    /// Mean over examples of gold minus the strongest other label under the full model, in nats.
    pub fn full_margin(&self) -> Option<f64> {
        self.mean(self.full_margin)
    }

    /// The label that the full model predicts on each example, `[N]`.
    pub fn full_predictions(&self) -> &[usize] {
        &self.full
    }

    /// The strongest label under the full model that is not gold, for each example, `[N]`.
    pub fn rivals(&self) -> &[usize] {
        &self.rivals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::{predict, testing::noise},
        attribution::Batch,
    };

    /// Noise in which every third component favours one label on every example.
    fn table() -> Attribution {
        let noise = noise(30, 3, 4);
        let mut batch = noise.batch(0..30);
        for (index, values) in batch.components.chunks_exact_mut(90).enumerate().filter(|(index, _)| index % 3 == 0) {
            values.iter_mut().skip(index % 2).step_by(3).for_each(|value| *value += 20.0);
        }
        let mut table = Attribution::new(noise.shape(), noise.gold().to_vec());
        table.push(&batch);
        table
    }

    #[test]
    fn batches_add_up_to_the_whole() {
        let whole = table();
        let at_once = Tally::from_table(&whole);
        let mut by_parts = Tally::new(whole.shape());
        for rows in [7, 8, 21, 30] {
            by_parts.update(&whole.filter(|row| row < rows));
        }
        assert_eq!(by_parts.len(), 30);
        let gap = by_parts.counts.iter().zip(&at_once.counts).map(|(a, b)| (a.margin - b.margin).abs());
        assert!(gap.fold(0.0, f64::max) < 1e-9);
        by_parts.counts.iter_mut().zip(&at_once.counts).for_each(|(a, b)| a.margin = b.margin);
        assert_eq!(by_parts, at_once);
    }

    #[test]
    fn counts_are_those_of_the_definition() {
        let table = table();
        let mut tally = Tally::new(table.shape());
        assert_eq!((tally.accuracy(0), tally.bias(0), tally.only_label(0), tally.margin(0)), (None, None, None, None));
        assert_eq!((tally.full_accuracy(), tally.full_margin(), tally.accuracies()), (None, None, vec![0.0; 8]));
        tally.update(&table);
        for component in 0..8 {
            let said: Vec<usize> = table.contribution(component).chunks_exact(3).map(argmax).collect();
            let hits = said.iter().zip(table.gold()).filter(|(a, b)| a == b).count();
            assert_eq!(tally.accuracy(component), Some(hits as f64 / 30.0));
            let only = said.iter().all(|&label| label == said[0]).then_some(said[0]);
            assert_eq!(tally.only_label(component), only);
            assert_eq!(only.is_some(), tally.bias(component) == Some(1.0));
            assert_eq!(only.is_some(), component % 3 == 0);
            let counts = &tally.counts()[component];
            assert_eq!(counts.predicted.iter().sum::<usize>(), 30);
            assert_eq!(hits, (0..3).map(|label| counts.confusion[label * 4]).sum::<usize>());
        }
    }

    #[test]
    fn margins_are_means_against_the_strongest_rival_of_the_model() {
        let table = table();
        let (tally, rivals) = (Tally::from_table(&table), predict::rivals(&table));
        assert_eq!(tally.rivals(), rivals);
        let at = |values: &[f32], row: usize| values[row * 3 + table.gold()[row]] - values[row * 3 + rivals[row]];
        let mean = |values: &[f32]| (0..30).map(|row| f64::from(at(values, row))).sum::<f64>() / 30.0;
        for component in 0..8 {
            assert!((tally.margin(component).unwrap() - mean(table.contribution(component))).abs() < 1e-6);
        }
        assert!((tally.full_margin().unwrap() - mean(table.full())).abs() < 1e-6);
    }

    #[test]
    fn many_rows_are_counted_like_few() {
        let shape = Shape { layers: 40, heads: 20, labels: 2 };
        let (examples, rows) = (700, 1400);
        let value = |at: usize| ((at * 7919) % 1013) as f32;
        let components = (0..shape.components() * rows).map(value).collect();
        let mut table = Attribution::new(shape, (0..examples).map(|row| row % 2).collect());
        table.push(&Batch {
            examples,
            components,
            rest: vec![0.0; rows],
            full: (0..rows).map(value).collect(),
            norms: Vec::new(),
        });
        assert!(shape.components() * rows >= PARALLEL);
        let mut by_parts = Tally::new(shape);
        (1..8).for_each(|part| by_parts.update(&table.filter(|row| row < part * 100)));
        assert_eq!(by_parts, Tally::from_table(&table));
    }
}
