//! The attribution: the table that engines produce and analyses read.
//!
//! For every example of one split, an [`Attribution`] contains each component's contribution to the label logits, the
//! contribution of everything else ([`rest`](Attribution::rest)), and the model's own logits
//! ([`full`](Attribution::full)), computed by an ordinary forward pass so that the sum can be checked against them.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::component::{Component, Part, Shape};

/// A split of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Training examples, on which mixes are fitted.
    Train,
    /// Test examples, on which accuracies are measured.
    Test,
}

impl Split {
    /// Both splits, in the order in which they are computed and stored.
    pub const ALL: [Self; 2] = [Self::Train, Self::Test];

    /// Returns the name in files: `train` or `test`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// Contributions on a few consecutive examples, as an engine returns them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Number of examples `B`.
    pub examples: usize,
    /// Contributions `[C, B, Y]`, components in the order of [`Shape`].
    pub components: Vec<f32>,
    /// Contributions of everything that is not a head or an MLP, `[B, Y]`.
    pub rest: Vec<f32>,
    /// The model's own label logits, `[B, Y]`.
    pub full: Vec<f32>,
}

/// Contributions of every component to the label logits of every example of one split.
///
/// Logits are in nats, before any final soft-cap. Rows are filled in order as batches arrive; readers see only the
/// filled rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    shape: Shape,
    filled: usize,
    capacity: usize,
    components: Vec<f32>,
    rest: Vec<f32>,
    full: Vec<f32>,
    gold: Vec<usize>,
}

impl Attribution {
    /// Creates an empty table for examples with the gold labels `gold` (indices into the label words).
    pub fn new(shape: Shape, gold: Vec<usize>) -> Self {
        let rows = gold.len() * shape.labels;
        Self {
            shape,
            filled: 0,
            capacity: gold.len(),
            components: vec![0.0; shape.components() * rows],
            rest: vec![0.0; rows],
            full: vec![0.0; rows],
            gold,
        }
    }

    /// Creates the complete table of the examples in `all`, with the gold labels `gold`.
    ///
    /// # Panics
    /// If the sizes of `shape`, `gold` and `all` do not match.
    pub(crate) fn complete(shape: Shape, gold: Vec<usize>, all: Batch) -> Self {
        let Batch { examples, components, rest, full } = all;
        assert_eq!((examples, components.len()), (gold.len(), shape.components() * examples * shape.labels));
        Self { shape, filled: examples, capacity: examples, components, rest, full, gold }
    }

    /// Appends the next examples.
    ///
    /// # Panics
    /// If the batch has a different shape than the table, or more examples than there is room for. Both are programming
    /// errors in an engine, never caused by input.
    pub fn push(&mut self, batch: &Batch) {
        let (labels, rows) = (self.shape.labels, batch.examples * self.shape.labels);
        assert!(self.filled + batch.examples <= self.capacity, "more examples than announced");
        assert_eq!(batch.components.len(), self.shape.components() * rows, "batch with a different shape");
        let (start, stride) = (self.filled * labels, self.capacity * labels);
        for (component, values) in batch.components.chunks_exact(rows.max(1)).enumerate() {
            let at = component * stride + start;
            self.components[at..at + rows].copy_from_slice(values);
        }
        self.rest[start..start + rows].copy_from_slice(&batch.rest);
        self.full[start..start + rows].copy_from_slice(&batch.full);
        self.filled += batch.examples;
    }

    /// Returns the numbers of layers, heads and labels.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Returns the number of label words `Y`.
    pub const fn labels(&self) -> usize {
        self.shape.labels
    }

    /// Returns the number of filled rows (examples) `N`.
    pub const fn len(&self) -> usize {
        self.filled
    }

    /// Returns whether no row is filled.
    pub const fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Returns the number of examples that the table has room for.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns whether all rows are filled.
    pub const fn is_complete(&self) -> bool {
        self.filled == self.capacity
    }

    /// Returns the contributions of the component at `index` (in the order of [`Shape`]): `[N, Y]`, row-major.
    pub fn contribution(&self, index: usize) -> &[f32] {
        let at = index * self.capacity * self.shape.labels;
        &self.components[at..at + self.filled * self.shape.labels]
    }

    /// Returns the contributions of `component`, `[N, Y]`; `None` if the model has no such component.
    pub fn contribution_of(&self, component: Component) -> Option<&[f32]> {
        self.shape.index(component).map(|index| self.contribution(index))
    }

    /// Returns the contributions of embeddings and biases, which belong to no component, `[N, Y]`.
    pub fn rest(&self) -> &[f32] {
        &self.rest[..self.filled * self.shape.labels]
    }

    /// Returns the model's own label logits, `[N, Y]`.
    pub fn full(&self) -> &[f32] {
        &self.full[..self.filled * self.shape.labels]
    }

    /// Returns the gold labels of the filled rows, `[N]`.
    pub fn gold(&self) -> &[usize] {
        &self.gold[..self.filled]
    }

    /// Returns the gold labels of all examples, `[capacity]`.
    pub fn all_gold(&self) -> &[usize] {
        &self.gold
    }

    /// Returns the sum of the contributions of all heads and MLPs (without `rest`), `[N, Y]`, accumulated in f64.
    pub fn component_sum(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.filled * self.shape.labels];
        for index in 0..self.shape.components() {
            for (total, &value) in sum.iter_mut().zip(self.contribution(index)) {
                *total += f64::from(value);
            }
        }
        sum
    }

    /// Returns the table of the filled rows for which `keep` is true, in order.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(usize) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.filled).filter(|&row| keep(row)).collect();
        let labels = self.shape.labels;
        let pick = |values: &[f32]| -> Vec<f32> {
            kept.iter().flat_map(|&row| values[row * labels..(row + 1) * labels].iter().copied()).collect()
        };
        let batch = Batch {
            examples: kept.len(),
            components: (0..self.shape.components()).flat_map(|index| pick(self.contribution(index))).collect(),
            rest: pick(self.rest()),
            full: pick(self.full()),
        };
        Self::complete(self.shape, kept.iter().map(|&row| self.gold[row]).collect(), batch)
    }

    /// Returns the given filled rows as a batch.
    pub fn batch(&self, rows: Range<usize>) -> Batch {
        let labels = self.shape.labels;
        let slice = |values: &[f32]| values[rows.start * labels..rows.end * labels].to_vec();
        Batch {
            examples: rows.len(),
            components: (0..self.shape.components()).flat_map(|index| slice(self.contribution(index))).collect(),
            rest: slice(self.rest()),
            full: slice(self.full()),
        }
    }

    /// Measures how well the contributions add up to the model's own logits.
    pub fn exactness(&self) -> Exactness {
        let sum = self.component_sum();
        let total: Vec<f64> = sum.iter().zip(self.rest()).map(|(s, &r)| s + f64::from(r)).collect();
        let full: Vec<f64> = self.full().iter().copied().map(f64::from).collect();
        Exactness { terms: self.largest_terms(), ..Exactness::measure(&total, &full, self.shape.labels) }
    }

    /// Returns the largest sum of magnitudes of label-centred contributions to one logit, `rest` included.
    fn largest_terms(&self) -> f64 {
        let mut sums = vec![0.0; self.filled * self.shape.labels];
        for values in (0..self.shape.components()).map(|index| self.contribution(index)).chain([self.rest()]) {
            let rows = sums.chunks_exact_mut(self.shape.labels).zip(values.chunks_exact(self.shape.labels));
            for (sums, row) in rows {
                let mean = row.iter().copied().map(f64::from).sum::<f64>() / row.len() as f64;
                sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += (f64::from(value) - mean).abs());
            }
        }
        sums.into_iter().fold(0.0, nan_max)
    }

    /// Returns the contributions of all heads or of all MLPs, in the order of the stored tensors, `[N, Y]` each.
    pub(crate) fn parts(&self, mlps: bool) -> Vec<&[f32]> {
        let chosen = self.shape.iter().enumerate().filter(|(_, component)| (component.part == Part::Mlp) == mlps);
        chosen.map(|(index, _)| self.contribution(index)).collect()
    }
}

/// Largest relative deviation allowed for f32 arithmetic (`max_rel` of [`Exactness`]).
pub const F32_TOLERANCE: f64 = 1e-4;

/// Largest absolute deviation, relative to [`Exactness::terms`], that is rounding in f32: a few units in the last place.
pub const F32_ROUNDING: f64 = 1e-6;

/// Deviation of `Σ heads + Σ MLPs + rest` from the model's own logits.
///
/// Both sides are label-centred first (the mean over labels is subtracted), since predictions depend only on
/// differences between labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exactness {
    /// Largest absolute difference, in logits.
    pub max_abs: f64,
    /// `max_abs` over the largest centred `|full|` of the split; 0 if both are 0.
    pub max_rel: f64,
    /// Number of examples with different predictions on the two sides.
    pub argmax_mismatches: usize,
    /// Largest sum of magnitudes of label-centred contributions to one logit; 0 in runs of older versions. Where large
    /// terms cancel, so that the logits are near 0, `max_abs` is to be seen relative to it.
    #[serde(default)]
    pub terms: f64,
}

impl Exactness {
    /// Compares two tables of label logits `[N, labels]`.
    pub fn measure(parts: &[f64], full: &[f64], labels: usize) -> Self {
        let (mut max_abs, mut scale, mut argmax_mismatches) = (0.0_f64, 0.0_f64, 0);
        for (parts, full) in parts.chunks_exact(labels).zip(full.chunks_exact(labels)) {
            let (mean_parts, mean_full) = (mean(parts), mean(full));
            for (&p, &f) in parts.iter().zip(full) {
                max_abs = nan_max(max_abs, ((p - mean_parts) - (f - mean_full)).abs());
                scale = nan_max(scale, (f - mean_full).abs());
            }
            argmax_mismatches += usize::from(argmax(parts) != argmax(full));
        }
        let max_rel = if max_abs == 0.0 { 0.0 } else { max_abs / scale };
        Self { max_abs, max_rel, argmax_mismatches, terms: 0.0 }
    }

    /// Combines two splits: the larger deviations, and all mismatches.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            max_abs: nan_max(self.max_abs, other.max_abs),
            max_rel: nan_max(self.max_rel, other.max_rel),
            argmax_mismatches: self.argmax_mismatches + other.argmax_mismatches,
            terms: nan_max(self.terms, other.terms),
        }
    }

    /// Returns whether `max_rel` is at most `tolerance`, or the deviation is [rounding](Self::is_rounding); false for
    /// NaN.
    pub fn holds(&self, tolerance: f64) -> bool {
        self.max_rel <= tolerance || self.is_rounding()
    }

    /// Returns whether the deviation is rounding of the terms, however small their sum is; false for NaN.
    pub fn is_rounding(&self) -> bool {
        self.max_abs <= F32_ROUNDING * self.terms
    }
}

/// Returns the index of the largest value; ties go to the first.
pub fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Maximum that propagates NaN, so that a broken run cannot look exact.
fn nan_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { layers: 2, heads: 1, labels: 2 };

    fn batch(examples: usize, seed: f32) -> Batch {
        let values = |n: usize, offset: f32| (0..n).map(|i| seed + offset + i as f32).collect::<Vec<_>>();
        let rows = examples * SHAPE.labels;
        let components = values(SHAPE.components() * rows, 0.0);
        let rest = values(rows, 0.5);
        let full = (0..rows).map(|i| (0..4).map(|c| components[c * rows + i]).sum::<f32>() + rest[i]).collect();
        Batch { examples, components, rest, full }
    }

    #[test]
    fn batches_fill_rows_in_order() {
        let mut table = Attribution::new(SHAPE, vec![0, 1, 1]);
        table.push(&batch(1, 0.0));
        assert_eq!((table.len(), table.gold()), (1, &[0][..]));
        assert_eq!(table.contribution(1), &[2.0, 3.0]);
        table.push(&batch(2, 100.0));
        assert!(table.is_complete());
        assert_eq!(table.contribution(0), &[0.0, 1.0, 100.0, 101.0, 102.0, 103.0]);
        assert_eq!(table.contribution_of(Component::mlp(0)).unwrap()[..2], [2.0, 3.0]);
        assert_eq!(table.filter(|row| row == 1).contribution(0), &[100.0, 101.0]);
    }

    #[test]
    fn exactness_detects_one_wrong_contribution() {
        let mut table = Attribution::new(SHAPE, vec![0, 1]);
        let mut wrong = batch(2, 1.0);
        table.push(&wrong);
        assert!(table.exactness().holds(F32_TOLERANCE), "{:?}", table.exactness());
        wrong.components[0] += 0.25;
        let mut table = Attribution::new(SHAPE, vec![0, 1]);
        table.push(&wrong);
        assert!((table.exactness().max_abs - 0.125).abs() < 1e-6);
        assert!(!table.exactness().holds(F32_TOLERANCE));
    }

    #[test]
    fn exactness_ignores_a_constant_added_to_all_labels() {
        let exactness = Exactness::measure(&[11.0, 12.0], &[1.0, 2.0], 2);
        assert_eq!(exactness, Exactness::default());
    }

    #[test]
    fn rounding_of_terms_that_cancel_is_exact_and_a_lost_term_is_not() {
        let table = |lost: f32| {
            let mut table = Attribution::new(SHAPE, vec![0]);
            let components = vec![100.0, 0.0, -100.0, 0.0, 1.0 + lost, 0.0, -1.0, 0.0];
            table.push(&Batch { examples: 1, components, rest: vec![0.0; 2], full: vec![1e-5, 0.0] });
            table.exactness()
        };
        let near = table(2e-5);
        assert!((near.terms - 101.0).abs() < 1e-3, "{near:?}");
        assert!(near.max_rel > F32_TOLERANCE && near.is_rounding() && near.holds(F32_TOLERANCE));
        assert!(!table(0.01).holds(F32_TOLERANCE));
        assert!(!Exactness { terms: f64::NAN, max_rel: 1.0, ..near }.holds(F32_TOLERANCE));
    }

    #[test]
    fn nan_fails_exactness() {
        assert!(!Exactness::measure(&[f64::NAN, 0.0], &[1.0, 2.0], 2).holds(F32_TOLERANCE));
    }

    #[test]
    fn ties_go_to_the_first_label() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
    }
}
