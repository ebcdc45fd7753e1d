//! What a mix makes of every example of one split.

use crate::attribution::{Attribution, argmax};

/// Label logits and predictions under the weights in force.
///
/// A change of one fader costs one pass over that component's contributions; a batch costs its own rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mixed {
    weights: Vec<f64>,
    rest: f64,
    logits: Vec<f64>,
    predicted: Vec<usize>,
    hits: usize,
    margins: f64,
}

impl Mixed {
    /// The model itself, of no example yet.
    pub fn new(components: usize) -> Self {
        Self { weights: vec![1.0; components], rest: 1.0, ..Self::default() }
    }

    /// Brings logits and predictions to these weights and to all rows of `table`.
    pub fn settle(&mut self, table: &Attribution, weights: &[f64], rest: f64) {
        let from = self.logits.len();
        self.logits.resize(table.len() * table.labels(), 0.0);
        for (index, &weight) in weights.iter().enumerate() {
            let before = self.weights[index];
            self.add(from, table.contribution(index), before, weight);
        }
        self.add(from, table.rest(), self.rest, rest);
        self.weights.copy_from_slice(weights);
        self.rest = rest;
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
    use crate::app::fixture;

    fn direct(table: &Attribution, weights: &[f64], rest: f64) -> Vec<f64> {
        (0..table.len() * table.labels())
            .map(|at| {
                let terms = weights.iter().enumerate().map(|(c, w)| w * f64::from(table.contribution(c)[at]));
                terms.sum::<f64>() + rest * f64::from(table.rest()[at])
            })
            .collect()
    }

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
    }

    #[test]
    fn the_sum_is_right_whatever_the_way_to_it() {
        let table = fixture::table(20);
        let components = table.shape().components();
        let mut mixed = Mixed::new(components);
        let mut weights = vec![1.0; components];
        mixed.settle(&table.filter(|row| row < 5), &weights, 1.0);
        for (component, weight) in [(3, 0.0), (8, -2.0), (3, 0.5)] {
            weights[component] = weight;
            mixed.settle(&table.filter(|row| row < 12), &weights, 0.0);
        }
        mixed.settle(&table, &weights, 0.25);
        assert!(close(mixed.logits(), &direct(&table, &weights, 0.25)));
        assert_eq!(mixed.predicted().len(), 20);
    }

    #[test]
    fn all_ones_is_the_model() {
        let table = fixture::table(20);
        let mut mixed = Mixed::new(table.shape().components());
        mixed.settle(&table, &vec![1.0; table.shape().components()], 1.0);
        let full: Vec<usize> = table.full().chunks_exact(2).map(argmax).collect();
        assert_eq!(mixed.predicted(), full);
    }
}
