//! Label logits of a mix on one table, updated as weights change and rows are added.

use crate::{
    analysis::{
        Mix,
        mix::{add_offsets, add_scaled, word_offsets},
        predict,
    },
    attribution::{Attribution, argmax},
};

/// A mix with its logits, predictions and margins on one table, updated as weights change and rows are added.
///
/// [`update`](Self::update) reads only the components whose weight changed and the rows that are new. The table must
/// always be the same one; it may have gained rows.
#[derive(Clone, Debug, PartialEq)]
pub struct MixedLogits {
    mix: Mix,
    labels: usize,
    /// Logits of label words, offsets included, `[N, W]`, in nats.
    words: Vec<f64>,
    /// Logits of classes, `[N, Y]`, in nats; empty if they are those of the words.
    classes: Vec<f64>,
    /// `[N]`.
    predictions: Vec<usize>,
    hits: usize,
    /// Sum over examples of gold minus the strongest other label, in nats.
    margin: f64,
}

impl MixedLogits {
    /// Mixes all rows that `table` has now.
    pub fn new(mix: Mix, table: &Attribution) -> Self {
        let labels = table.labels();
        let (words, classes, predictions) = (Vec::new(), Vec::new(), Vec::new());
        let mut mixed = Self { mix, labels, words, classes, predictions, hits: 0, margin: 0.0 };
        mixed.extend(table);
        mixed
    }

    /// Changes the mix to `mix` and adds the new rows of `table`.
    ///
    /// If more than half of the weights change, or if a sum is not finite, everything is recomputed: that costs no more, and
    /// removes the rounding error of many small changes.
    pub fn update(&mut self, table: &Attribution, mix: Mix) {
        if mix != self.mix {
            let weights = self.mix.weights.iter().zip(&mix.weights);
            let changed = weights.filter(|(before, after)| before != after).count();
            if 2 * changed > mix.weights.len() || !self.words.iter().all(|logit| logit.is_finite()) {
                *self = Self::new(mix, table);
                return;
            }
            self.change(table, mix);
            self.predictions.clear();
            (self.hits, self.margin) = (0, 0.0);
        }
        self.extend(table);
    }

    /// Changes the mix of the rows mixed so far.
    fn change(&mut self, table: &Attribution, mix: Mix) {
        for (index, (before, after)) in self.mix.weights.iter().zip(&mix.weights).enumerate() {
            add_scaled(&mut self.words, table.words().contribution(index), after - before);
        }
        add_scaled(&mut self.words, table.words().rest(), mix.rest - self.mix.rest);
        let removed: Vec<f64> = self.mix.offsets.iter().map(|offset| -offset).collect();
        add_offsets(&mut self.words, &word_offsets(&removed, table));
        add_offsets(&mut self.words, &word_offsets(&mix.offsets, table));
        self.mix = mix;
        self.classes.clear();
    }

    /// Mixes the rows that are not mixed yet, and reads predictions and margins of those not read yet.
    fn extend(&mut self, table: &Attribution) {
        let (start, read) = (self.words.len(), self.predictions.len());
        self.words.resize(table.len() * table.words().shape().labels, 0.0);
        self.mix.add_to(&mut self.words, table, start);
        if let Some(classes) = table.word_classes() {
            let reduced = self.classes.len() / self.labels.max(1);
            self.classes.extend(classes.reduce(&self.words[reduced * classes.words()..]));
        }
        let logits = if self.classes.is_empty() { &self.words } else { &self.classes };
        let rows = logits.chunks_exact(self.labels.max(1)).zip(table.gold()).skip(read);
        for (row, &gold) in rows {
            let predicted = argmax(row);
            self.predictions.push(predicted);
            self.hits += usize::from(predicted == gold);
            self.margin += predict::margin(row, gold);
        }
    }

    /// The mix.
    pub const fn mix(&self) -> &Mix {
        &self.mix
    }

    /// Mixed label logits, `[N, Y]`, in nats.
    pub fn logits(&self) -> &[f64] {
        if self.classes.is_empty() { &self.words } else { &self.classes }
    }

    /// Predicted labels, ties to the first label, `[N]`.
    pub fn predictions(&self) -> &[usize] {
        &self.predictions
    }

    /// Accuracy of the mix; `None` before the first example.
    pub fn accuracy(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.hits as f64 / self.len() as f64)
    }

    /// Mean over examples of gold minus the strongest other label, in nats; `None` before the first example.
    pub fn margin(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.margin / self.len() as f64)
    }

    /// Number of examples mixed `N`.
    pub const fn len(&self) -> usize {
        self.predictions.len()
    }

    /// Whether no example has been mixed yet.
    pub const fn is_empty(&self) -> bool {
        self.predictions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::noise;

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    /// Asserts that the cached values of `mixed` equal those of its mix on `table`.
    fn assert_up_to_date(mixed: &MixedLogits, table: &Attribution) {
        let mix = mixed.mix();
        assert!(close(mixed.logits(), &mix.logits(table)));
        assert_eq!(mixed.predictions(), mix.predictions(table));
        assert_eq!(mixed.accuracy(), Some(mix.accuracy(table)));
        let margins = mix.margins(table);
        assert!((mixed.margin().unwrap() - margins.iter().sum::<f64>() / margins.len() as f64).abs() < 1e-12);
    }

    #[test]
    fn moving_faders_equals_mixing_from_zero() {
        let table = noise(50, 4, 3);
        let mut mix = Mix::identity(table.shape());
        let mut mixed = MixedLogits::new(mix.clone(), &table);
        for (index, weight) in [(0, 0.0), (3, 2.5), (0, 1.0), (5, -1.0), (5, 0.0)] {
            mix.weights[index] = weight;
            mixed.update(&table, mix.clone());
        }
        mix.rest = 0.0;
        mixed.update(&table, mix.clone());
        assert_up_to_date(&mixed, &table);
        assert_eq!(mixed.mix().weights[3].to_bits(), 2.5_f64.to_bits());
    }

    #[test]
    fn every_way_to_a_mix_gives_the_same_sum() {
        let table = noise(20, 2, 6);
        let mut mixed = MixedLogits::new(Mix::identity(table.shape()), &table.filter(|_| false));
        assert_eq!((mixed.accuracy(), mixed.margin(), mixed.len()), (None, None, 0));
        let mut mix = Mix { offsets: vec![0.5, -0.5], ..Mix::identity(table.shape()) };
        mixed.update(&table.filter(|row| row < 5), mix.clone());
        mix.rest = 0.0;
        for (component, weight) in [(3, 0.0), (6, -2.0), (3, 0.5)] {
            mix.weights[component] = weight;
            mix.offsets[0] += 1.0;
            mixed.update(&table.filter(|row| row < 12), mix.clone());
        }
        mix.rest = 0.25;
        mixed.update(&table, mix.clone());
        assert_up_to_date(&mixed, &table);
        mix.offsets.clear();
        mixed.update(&table, mix.clone());
        assert_up_to_date(&mixed, &table);
        mixed.update(&table, Mix::uniform(table.shape(), 0.5, 2.0));
        assert_eq!(mixed, MixedLogits::new(Mix::uniform(table.shape(), 0.5, 2.0), &table));
        assert_eq!(mixed.predictions().len(), 20);
    }

    #[test]
    fn rows_that_come_later_are_mixed_like_the_first() {
        let whole = noise(40, 3, 7);
        let mix = Mix { offsets: vec![0.5, 0.0, -1.0], ..Mix::uniform(whole.shape(), 0.75, 1.5) };
        let mut mixed = MixedLogits::new(mix.clone(), &whole.filter(|row| row < 7));
        for rows in [8, 8, 40] {
            mixed.update(&whole.filter(|row| row < rows), mix.clone());
        }
        assert_eq!(mixed.logits(), mix.logits(&whole));
        assert_eq!(mixed, MixedLogits::new(mix, &whole));
    }

    #[test]
    fn all_ones_is_the_model() {
        let table = noise(20, 2, 8);
        let mixed = MixedLogits::new(Mix::identity(table.shape()), &table);
        assert_eq!(mixed.predictions(), predict::predictions(table.full(), 2));
    }

    #[test]
    fn muting_a_broken_component_repairs_the_sum() {
        let noise = noise(3, 2, 4);
        let mut batch = noise.batch(0..3);
        batch.components[6] = f32::NAN;
        let mut table = Attribution::new(noise.shape(), noise.gold().to_vec());
        table.push(&batch);
        let mut mixed = MixedLogits::new(Mix::identity(table.shape()), &table);
        assert!(mixed.logits()[0].is_nan());
        let mut mix = mixed.mix().clone();
        mix.weights[1] = 0.0;
        mixed.update(&table, mix);
        assert_up_to_date(&mixed, &table);
        assert!(mixed.logits()[0].is_finite());
    }
}
