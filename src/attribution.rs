//! The table everything passes through.
//!
//! Engines produce an [`Attribution`]; analyses and views only read it. It holds, for every example of one split, what
//! each component added to the label logits, what is left ([`rest`](Attribution::rest)), and the model's own logits
//! ([`full`](Attribution::full)), which were computed by the ordinary path so that the sum can be checked against them.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::component::{Component, Part, Shape};

/// Which part of the data an example belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Labels that were paid for: the mix is fitted on them.
    Train,
    /// Examples that accuracies are stated on.
    Test,
}

impl Split {
    /// Both splits, in the order they are computed and stored.
    pub const ALL: [Self; 2] = [Self::Train, Self::Test];

    /// The name used in files: `train` or `test`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// Contributions of a few consecutive examples, as an engine hands them out.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Number of examples `B`.
    pub examples: usize,
    /// Contributions `[C, B, Y]`, components in the order of [`Shape`].
    pub components: Vec<f32>,
    /// What is not a head or an MLP, `[B, Y]`.
    pub rest: Vec<f32>,
    /// The model's own label logits, `[B, Y]`.
    pub full: Vec<f32>,
}

/// Contributions of every component to the label logits of every example of one split.
///
/// Logits are natural-log units (nats), before any final soft-cap. Rows fill in order as batches arrive; every reader
/// sees the filled rows only.
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
    /// An empty table for the examples whose gold labels are `gold` (indices into the label words).
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

    /// The table of the examples of `all`, whose gold labels are `gold`.
    ///
    /// # Panics
    /// If the two do not fit each other.
    pub(crate) fn complete(shape: Shape, gold: Vec<usize>, all: Batch) -> Self {
        let Batch { examples, components, rest, full } = all;
        assert_eq!((examples, components.len()), (gold.len(), shape.components() * examples * shape.labels));
        Self { shape, filled: examples, capacity: examples, components, rest, full, gold }
    }

    /// Appends the next examples.
    ///
    /// # Panics
    /// If the batch has another shape than the table or more examples than there is room for: both are programming
    /// errors of an engine, never the fault of input.
    pub fn push(&mut self, batch: &Batch) {
        let (labels, rows) = (self.shape.labels, batch.examples * self.shape.labels);
        assert!(self.filled + batch.examples <= self.capacity, "more examples than announced");
        assert_eq!(batch.components.len(), self.shape.components() * rows, "batch of another shape");
        let (start, stride) = (self.filled * labels, self.capacity * labels);
        for (component, values) in batch.components.chunks_exact(rows.max(1)).enumerate() {
            let at = component * stride + start;
            self.components[at..at + rows].copy_from_slice(values);
        }
        self.rest[start..start + rows].copy_from_slice(&batch.rest);
        self.full[start..start + rows].copy_from_slice(&batch.full);
        self.filled += batch.examples;
    }

    /// Layers, heads and labels.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Number of label words `Y`.
    pub const fn labels(&self) -> usize {
        self.shape.labels
    }

    /// Number of examples attributed so far `N`.
    pub const fn len(&self) -> usize {
        self.filled
    }

    /// Whether no example has been attributed yet.
    pub const fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Number of examples that the table was made for.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether all announced examples are there.
    pub const fn is_complete(&self) -> bool {
        self.filled == self.capacity
    }

    /// What the component at `index` (order of [`Shape`]) adds to the label logits: `[N, Y]`, row-major.
    pub fn contribution(&self, index: usize) -> &[f32] {
        let at = index * self.capacity * self.shape.labels;
        &self.components[at..at + self.filled * self.shape.labels]
    }

    /// What the named component adds to the label logits, or `None` if the model has no such component.
    pub fn contribution_of(&self, component: Component) -> Option<&[f32]> {
        self.shape.index(component).map(|index| self.contribution(index))
    }

    /// Embeddings and biases that belong to no component, `[N, Y]`.
    pub fn rest(&self) -> &[f32] {
        &self.rest[..self.filled * self.shape.labels]
    }

    /// The model's own label logits, `[N, Y]`.
    pub fn full(&self) -> &[f32] {
        &self.full[..self.filled * self.shape.labels]
    }

    /// Gold labels of the examples attributed so far, `[N]`.
    pub fn gold(&self) -> &[usize] {
        &self.gold[..self.filled]
    }

    /// Gold labels of all announced examples.
    pub fn all_gold(&self) -> &[usize] {
        &self.gold
    }

    /// Sum of the contributions of all heads and MLPs (without `rest`), `[N, Y]`, accumulated in f64.
    pub fn component_sum(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.filled * self.shape.labels];
        for index in 0..self.shape.components() {
            for (total, &value) in sum.iter_mut().zip(self.contribution(index)) {
                *total += f64::from(value);
            }
        }
        sum
    }

    /// The table with only the examples for which `keep` is true, in order. Used for halves and subsamples.
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

    /// These of the filled rows as a batch.
    pub fn batch(&self, rows: Range<usize>) -> Batch {
        let labels = self.shape.labels;
        let of = |values: &[f32]| values[rows.start * labels..rows.end * labels].to_vec();
        Batch {
            examples: rows.len(),
            components: (0..self.shape.components()).flat_map(|index| of(self.contribution(index))).collect(),
            rest: of(self.rest()),
            full: of(self.full()),
        }
    }

    /// How well the parts add up to the model's own logits.
    pub fn exactness(&self) -> Exactness {
        let sum = self.component_sum();
        let total: Vec<f64> = sum.iter().zip(self.rest()).map(|(s, &r)| s + f64::from(r)).collect();
        let full: Vec<f64> = self.full().iter().copied().map(f64::from).collect();
        Exactness::measure(&total, &full, self.shape.labels)
    }

    /// Contributions of the heads, or of the MLPs, in the order of the stored tensors: `[N, Y]` each.
    pub(crate) fn parts(&self, mlps: bool) -> Vec<&[f32]> {
        let chosen = self.shape.iter().enumerate().filter(|(_, component)| (component.part == Part::Mlp) == mlps);
        chosen.map(|(index, _)| self.contribution(index)).collect()
    }
}

/// The largest relative deviation that f32 arithmetic is allowed (`max_rel` of [`Exactness`]).
pub const F32_TOLERANCE: f64 = 1e-4;

/// How far `Σ heads + Σ MLPs + rest` is from the model's own logits.
///
/// Both sides are label-centred first (the mean over labels is removed): only differences between labels decide
/// predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exactness {
    /// Largest absolute difference, in logits.
    pub max_abs: f64,
    /// `max_abs` over the largest centred `|full|` of the split; 0 when both are 0.
    pub max_rel: f64,
    /// Examples whose predicted label differs between the two sides.
    pub argmax_mismatches: usize,
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
        Self { max_abs, max_rel, argmax_mismatches }
    }

    /// The worse of two splits.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            max_abs: nan_max(self.max_abs, other.max_abs),
            max_rel: nan_max(self.max_rel, other.max_rel),
            argmax_mismatches: self.argmax_mismatches + other.argmax_mismatches,
        }
    }

    /// Whether the deviation is within `tolerance`; NaN never is.
    pub fn holds(&self, tolerance: f64) -> bool {
        self.max_rel <= tolerance
    }
}

/// Index of the largest value; the first one wins a tie.
pub fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Maximum that keeps NaN, so that a broken run cannot look exact.
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
    fn exactness_sees_one_wrong_part() {
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
    fn a_constant_added_to_all_labels_changes_nothing() {
        let exactness = Exactness::measure(&[11.0, 12.0], &[1.0, 2.0], 2);
        assert_eq!(exactness, Exactness::default());
    }

    #[test]
    fn nan_is_never_exact() {
        assert!(!Exactness::measure(&[f64::NAN, 0.0], &[1.0, 2.0], 2).holds(F32_TOLERANCE));
    }

    #[test]
    fn ties_go_to_the_first_label() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
    }
}
