//! What a mix makes of every example of one split.

use crate::{
    analysis::{Mix, mix::add_offsets},
    attribution::{Attribution, argmax},
};

/// Label logits and predictions under the weights in force.
///
/// A change of one fader costs one pass over that component's contributions; a batch costs its own rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mixed {
    mix: Mix,
    logits: Vec<f64>,
    predicted: Vec<usize>,
    hits: usize,
    margins: f64,
}

impl Mixed {
    /// The model itself, of no example yet.
    pub fn new(components: usize) -> Self {
        let mix = Mix { weights: vec![1.0; components], rest: 1.0, offsets: Vec::new() };
        Self { mix, ..Self::default() }
    }

    /// Brings logits and predictions to this mix and to all rows of `table`.
    pub fn settle(&mut self, table: &Attribution, mix: Mix) {
        let from = self.logits.len();
        self.logits.resize(table.len() * table.labels(), 0.0);
        for (index, &weight) in mix.weights.iter().enumerate() {
            let before = self.mix.weights[index];
            self.add(from, table.contribution(index), before, weight);
        }
        self.add(from, table.rest(), self.mix.rest, mix.rest);
        let taken: Vec<f64> = self.mix.offsets.iter().map(|offset| -offset).collect();
        add_offsets(&mut self.logits[..from], &taken);
        add_offsets(&mut self.logits, &mix.offsets);
        self.mix = mix;
        self.predicted = self.logits.chunks_exact(table.labels()).map(argmax).collect();
        let rows = self.logits.chunks_exact(table.labels()).zip(table.gold());
        self.margins = rows.map(|(row, &gold)| margin(row, gold)).sum();
        self.hits = self.predicted.iter().zip(table.gold()).filter(|(a, b)| a == b).count();
    }

    /// Changes the weight of one term in the rows before `from`, and adds it to the rows after.
    fn add(&mut self, from: usize, values: &[f32], before: f64, after: f64) {
        let (old, new) = self.logits.split_at_mut(from);
        if before.total_cmp(&after).is_ne() {
            let change = after - before;
            old.iter_mut().zip(values).for_each(|(sum, &value)| *sum += change * f64::from(value));
        }
        new.iter_mut().zip(&values[from..]).for_each(|(sum, &value)| *sum += after * f64::from(value));
    }

    /// Label logits, `[N, Y]`.
    pub fn logits(&self) -> &[f64] {
        &self.logits
    }

    /// Predicted labels, `[N]`.
    pub fn predicted(&self) -> &[usize] {
        &self.predicted
    }

    /// Mean over the examples of gold minus the strongest other label, in nats, once there is one.
    pub fn margin(&self) -> Option<f64> {
        (!self.predicted.is_empty()).then(|| self.margins / self.predicted.len() as f64)
    }

    /// Share of examples that are labelled as gold, once there is one.
    pub fn accuracy(&self) -> Option<f64> {
        (!self.predicted.is_empty()).then(|| self.hits as f64 / self.predicted.len() as f64)
    }
}

/// Gold minus the strongest other label.
pub fn margin(logits: &[f64], gold: usize) -> f64 {
    let others = logits.iter().enumerate().filter(|(label, _)| *label != gold).map(|(_, &value)| value);
    logits[gold] - others.fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::fixture;

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
    }

    #[test]
    fn the_sum_is_right_whatever_the_way_to_it() {
        let table = fixture::table(20);
        let components = table.shape().components();
        let mut mixed = Mixed::new(components);
        let mut mix = Mix { offsets: vec![0.5, -0.5], ..Mix::identity(table.shape()) };
        mixed.settle(&table.filter(|row| row < 5), mix.clone());
        mix.rest = 0.0;
        for (component, weight) in [(3, 0.0), (8, -2.0), (3, 0.5)] {
            mix.weights[component] = weight;
            mix.offsets[0] += 1.0;
            mixed.settle(&table.filter(|row| row < 12), mix.clone());
        }
        mix.rest = 0.25;
        mixed.settle(&table, mix.clone());
        assert!(close(mixed.logits(), &mix.logits(&table)));
        mix.offsets.clear();
        mixed.settle(&table, mix.clone());
        assert!(close(mixed.logits(), &mix.logits(&table)));
        assert_eq!(mixed.predicted().len(), 20);
    }

    #[test]
    fn all_ones_is_the_model() {
        let table = fixture::table(20);
        let mut mixed = Mixed::new(table.shape().components());
        mixed.settle(&table, Mix::identity(table.shape()));
        let full: Vec<usize> = table.full().chunks_exact(2).map(argmax).collect();
        assert_eq!(mixed.predicted(), full);
    }
}
