//! Hidden states of a run: what the last token of every prompt carries, beyond its contributions to label logits.
//!
//! Methods that classify hidden states or head values need them. They are stored only on demand, since they are far
//! larger than the attribution.

use serde::{Deserialize, Serialize};

use crate::attribution::Split;

/// Sizes of hidden states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenMeta {
    /// Width `d` of the residual stream.
    pub width: usize,
    /// Number of layers `L`.
    pub layers: usize,
    /// Number of heads per layer `H`.
    pub heads: usize,
    /// Number of values of a head.
    pub head_dim: usize,
}

impl HiddenMeta {
    /// Returns the number of values of one example: the final state, then `z` of every head.
    pub const fn values(&self) -> usize {
        self.width + self.layers * self.heads * self.head_dim
    }

    /// Returns the number of bytes of `examples` in the file, without its header.
    pub const fn bytes(&self, examples: usize) -> usize {
        4 * examples * self.values()
    }
}

/// Hidden states at the last token of every prompt of a run, in f32.
#[derive(Clone, Debug, PartialEq)]
pub struct Hidden {
    /// The sizes.
    pub meta: HiddenMeta,
    /// Values of the training and of the test split, `[N, d + L · H · head_dim]` each.
    pub values: [Vec<f32>; 2],
}

impl Hidden {
    /// Returns the number of examples of a split.
    pub fn len(&self, split: Split) -> usize {
        self.values[split as usize].len() / self.meta.values().max(1)
    }

    /// Whether a split has no examples.
    pub fn is_empty(&self, split: Split) -> bool {
        self.len(split) == 0
    }

    /// Returns the residual stream of example `row` after the last layer and the final norm, `[d]`.
    pub fn state(&self, split: Split, row: usize) -> &[f32] {
        &self.example(split, row)[..self.meta.width]
    }

    /// Returns `z`, the mix of values before the output projection, of head `head` (counted over all layers) on example
    /// `row`, `[head_dim]`.
    pub fn z(&self, split: Split, row: usize, head: usize) -> &[f32] {
        let HiddenMeta { width, head_dim, .. } = self.meta;
        &self.example(split, row)[width + head * head_dim..][..head_dim]
    }

    fn example(&self, split: Split, row: usize) -> &[f32] {
        let size = self.meta.values();
        &self.values[split as usize][row * size..(row + 1) * size]
    }
}
