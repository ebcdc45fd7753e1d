//! Contributions in columns: one per label word as an engine computes them, or one per class.

use crate::component::{Part, Shape};

/// Contributions on a few consecutive examples, as an engine returns them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Number of examples `B`.
    pub examples: usize,
    /// Contributions `[C, B, W]`, components in the order of [`Shape`], to the logits of `W` label words.
    pub components: Vec<f32>,
    /// Contributions of everything that is not a head or an MLP, `[B, W]`.
    pub rest: Vec<f32>,
    /// The model's own logits, `[B, W]`.
    pub full: Vec<f32>,
    /// Squared norms of component outputs, `[C, B]`; see [`Attribution::output_norms`](super::Attribution::output_norms).
    /// Empty if they were not computed.
    pub norms: Vec<f32>,
}

/// Contributions to the logits of `shape.labels` columns on the examples so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    shape: Shape,
    filled: usize,
    capacity: usize,
    components: Vec<f32>,
    rest: Vec<f32>,
    full: Vec<f32>,
}

impl Columns {
    /// Creates columns without examples and with room for `capacity`.
    pub(super) fn new(shape: Shape, capacity: usize) -> Self {
        let rows = capacity * shape.labels;
        Self {
            shape,
            filled: 0,
            capacity,
            components: vec![0.0; shape.components() * rows],
            rest: vec![0.0; rows],
            full: vec![0.0; rows],
        }
    }

    /// Creates the complete columns of the examples in `all`.
    ///
    /// # Panics
    /// If the batch has a different shape.
    pub(super) fn complete(shape: Shape, all: Batch) -> Self {
        let Batch { examples, components, rest, full, norms: _ } = all;
        assert_eq!(components.len(), shape.components() * examples * shape.labels, "batch with a different shape");
        Self { shape, filled: examples, capacity: examples, components, rest, full }
    }

    /// Appends the next examples.
    ///
    /// # Panics
    /// If the batch has a different shape, or more examples than there is room for.
    pub(super) fn push(&mut self, batch: &Batch) {
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

    /// Returns the numbers of layers, heads and columns.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) const fn len(&self) -> usize {
        self.filled
    }

    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns the contributions of the component at `index` (in the order of [`Shape`]), row-major, one row per
    /// example.
    pub fn contribution(&self, index: usize) -> &[f32] {
        let at = index * self.capacity * self.shape.labels;
        &self.components[at..at + self.filled * self.shape.labels]
    }

    /// Returns the contributions of embeddings and biases, which belong to no component.
    pub fn rest(&self) -> &[f32] {
        &self.rest[..self.filled * self.shape.labels]
    }

    /// Returns the model's own logits.
    pub fn full(&self) -> &[f32] {
        &self.full[..self.filled * self.shape.labels]
    }

    /// Returns the sum of the contributions of all heads and MLPs (without `rest`), accumulated in f64.
    pub fn component_sum(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.filled * self.shape.labels];
        for index in 0..self.shape.components() {
            for (total, &value) in sum.iter_mut().zip(self.contribution(index)) {
                *total += f64::from(value);
            }
        }
        sum
    }

    /// Returns the contributions of all heads or of all MLPs, in the order of the stored tensors.
    pub(crate) fn parts(&self, mlps: bool) -> Vec<&[f32]> {
        let chosen = self.shape.iter().enumerate().filter(|(_, component)| (component.part == Part::Mlp) == mlps);
        chosen.map(|(index, _)| self.contribution(index)).collect()
    }

    /// Returns the examples `rows` as a batch without norms.
    pub(super) fn batch(&self, rows: &[usize]) -> Batch {
        let labels = self.shape.labels;
        let pick = |values: &[f32]| -> Vec<f32> {
            rows.iter().flat_map(|row| values[row * labels..(row + 1) * labels].iter().copied()).collect()
        };
        Batch {
            examples: rows.len(),
            components: (0..self.shape.components()).flat_map(|index| pick(self.contribution(index))).collect(),
            rest: pick(self.rest()),
            full: pick(self.full()),
            norms: Vec::new(),
        }
    }
}
