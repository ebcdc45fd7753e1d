//! Mixes: the weights of components, and the label logits under them.
//!
//! A mix is a direct effect: it scales contributions in the sum; the rest of the network does not react.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{analysis::predict, attribution::Attribution, component::Shape};

/// One weight per component, one for `rest`, and an offset per label (class).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mix {
    /// Weight of every component, in the order of the shape, `[C]`.
    pub weights: Vec<f64>,
    /// Weight of `rest`.
    pub rest: f64,
    /// Offsets added to the label logits of every example, in nats, `[Y]`; empty if there are none. They remove a constant
    /// preference for a label (calibration: Zhao et al. 2021, arXiv 2102.09690).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offsets: Vec<f64>,
}

impl Mix {
    /// The model itself: every weight is 1.
    pub fn identity(shape: Shape) -> Self {
        Self::uniform(shape, 1.0, 1.0)
    }

    /// Every component at `weight`, and `rest` at its own.
    pub fn uniform(shape: Shape, weight: f64, rest: f64) -> Self {
        Self { weights: vec![weight; shape.components()], rest, offsets: Vec::new() }
    }

    /// Only the component at `index`, with weight 1; all others and `rest` at 0.
    pub fn solo(shape: Shape, index: usize) -> Self {
        let mut mix = Self::uniform(shape, 0.0, 0.0);
        mix.weights[index] = 1.0;
        mix
    }

    /// Whether this is the model itself.
    pub fn is_identity(&self) -> bool {
        self.rest == 1.0 && self.offsets.is_empty() && self.weights.iter().all(|&weight| weight == 1.0)
    }

    /// Mixed label logits of every example, `[N, Y]`: those of words are mixed, and reduced to classes last.
    pub fn logits(&self, table: &Attribution) -> Vec<f64> {
        table.by_class(self.word_logits(table))
    }

    /// Mixed logits of the label words of every example, `[N, W]`.
    pub fn word_logits(&self, table: &Attribution) -> Vec<f64> {
        let mut logits = vec![0.0; table.len() * table.words().shape().labels];
        self.add_to(&mut logits, table, 0);
        logits
    }

    /// Predicted labels under this mix, ties to the first label, `[N]`.
    pub fn predictions(&self, table: &Attribution) -> Vec<usize> {
        predict::predictions(&self.logits(table), table.labels())
    }

    /// Accuracy of this mix.
    pub fn accuracy(&self, table: &Attribution) -> f64 {
        predict::accuracy(&self.predictions(table), table.gold())
    }

    /// Gold minus the strongest other label under this mix, in logits, `[N]`.
    pub fn margins(&self, table: &Attribution) -> Vec<f64> {
        predict::margins(&self.logits(table), table.gold(), table.labels())
    }

    /// Adds the mix of all contributions to label words from `start` on.
    pub(super) fn add_to(&self, logits: &mut [f64], table: &Attribution, start: usize) {
        let words = table.words();
        for (index, &weight) in self.weights.iter().enumerate() {
            add_scaled(&mut logits[start..], &words.contribution(index)[start..], weight);
        }
        add_scaled(&mut logits[start..], &words.rest()[start..], self.rest);
        add_offsets(&mut logits[start..], &word_offsets(&self.offsets, table));
    }
}

/// Returns what to add to the logits of label words so that class logits grow by `offsets`.
pub fn word_offsets<'a>(offsets: &'a [f64], table: &Attribution) -> Cow<'a, [f64]> {
    table.word_classes().map_or(offsets.into(), |classes| classes.word_offsets(offsets).into())
}

/// `logits += weight · values`; a weight of zero adds nothing, even to values that are not finite.
pub(super) fn add_scaled(logits: &mut [f64], values: &[f32], weight: f64) {
    if weight != 0.0 {
        logits.iter_mut().zip(values).for_each(|(logit, &value)| *logit += weight * f64::from(value));
    }
}

/// Adds the offsets to every row of logits `[N, Y]`, if there are any.
pub fn add_offsets(logits: &mut [f64], offsets: &[f64]) {
    if !offsets.is_empty() {
        let rows = logits.chunks_exact_mut(offsets.len());
        rows.for_each(|row| row.iter_mut().zip(offsets).for_each(|(logit, offset)| *logit += offset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::noise;

    #[test]
    fn the_identity_is_the_sum_of_all_parts() {
        let table = noise(30, 3, 1);
        let mix = Mix::identity(table.shape());
        assert!(mix.is_identity());
        let expected = table.component_sum().into_iter().zip(table.rest()).map(|(sum, &rest)| sum + f64::from(rest));
        assert!(mix.logits(&table).into_iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn a_solo_is_the_component() {
        let table = noise(30, 3, 2);
        let solo = Mix::solo(table.shape(), 4).predictions(&table);
        assert_eq!(solo, predict::predictions(table.contribution(4), 3));
    }

    #[test]
    fn offsets_move_every_row_alike_and_are_not_the_model() {
        let table = noise(20, 3, 5);
        let plain = Mix::identity(table.shape());
        let moved = Mix { offsets: vec![0.5, -0.5, 0.0], ..plain.clone() };
        assert!(!moved.is_identity());
        let rows = moved.logits(&table).into_iter().zip(plain.logits(&table)).enumerate();
        assert!(rows.into_iter().all(|(at, (a, b))| (a - b - moved.offsets[at % 3]).abs() < 1e-12));
    }

    #[test]
    fn a_muted_component_is_silent_even_if_it_is_broken() {
        let table = noise(3, 2, 4);
        let mix = Mix::uniform(table.shape(), 0.0, 0.0);
        assert_eq!(mix.logits(&table), vec![0.0; 6]);
    }
}
