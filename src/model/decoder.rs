//! One forward pass for every architecture.
//!
//! A family file describes a model with the pieces below; the pass itself is written once. It works on packed suffixes
//! that continue a shared prefix, keeps only last positions in the last layer, lets a [`Probe`](super::probe::Probe) see what each component
//! adds there, and takes an [`Intervention`](super::intervention::Intervention) that changes what components write.

use candle_core::{DType, Device, Tensor};

pub use super::layer::Layer;
use super::{
    card::is_card,
    layers::{Linear, Norm},
    matrix::Matrix,
    packed::Packed,
    rope::{Regime, Rope},
};
use crate::error::Result;

/// A decoder, ready to run. Shapes: `d` width, `V` vocabulary, `L` layers, `H` heads.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Token embeddings `[V, d]`.
    pub embedding: Matrix,
    /// Factor on token embeddings.
    pub embedding_scale: f64,
    /// Learned position embeddings `[context, d]`.
    pub positions: Option<Tensor>,
    /// Rotary embeddings that layers choose from.
    pub ropes: Vec<Rope>,
    /// The layers, from the embedding up.
    pub layers: Vec<Layer>,
    /// Final norm.
    pub norm: Norm,
    /// Unembedding `[V, d]`; shares the embedding's memory when tied.
    pub unembedding: Linear,
    /// Factor on the logits.
    pub logit_scale: f64,
    /// Longest prompt, in tokens, that the model was made for.
    pub context: usize,
}

impl Decoder {
    /// Where the weights live.
    pub fn device(&self) -> &Device {
        self.norm.weight.device()
    }

    /// Number of token ids `V`.
    pub fn vocabulary(&self) -> Result<usize> {
        Ok(self.embedding.shape()?.0)
    }

    /// Width of the residual stream `d`.
    pub fn width(&self) -> Result<usize> {
        Ok(self.embedding.shape()?.1)
    }

    /// Whether it computes as cards do.
    pub(crate) fn is_on_card(&self) -> bool {
        is_card(self.device())
    }

    /// Whether one batch at a time is quickest: where products are shared among threads by someone else than us.
    pub(crate) fn prefers_one_batch(&self) -> bool {
        self.is_on_card() || self.layers[0].maps().any(|map| map.weight.rounds())
    }

    /// The type that its products are in on a card: that of its weights.
    pub(crate) fn product_dtype(&self) -> DType {
        self.layers[0].attention.query.weight.dtype()
    }

    /// How many times as large as usual its batches are best: every batch costs something besides where products are shared
    /// among threads, and a card has use for many tokens at a time.
    pub(crate) fn batch_factor(&self) -> usize {
        match (self.is_on_card(), self.prefers_one_batch()) {
            (true, _) => 16,
            (false, true) => 2,
            (false, false) => 1,
        }
    }

    /// The regime of a prompt of `tokens` tokens.
    pub fn regime(&self, tokens: usize) -> Regime {
        let long = self.ropes.iter().any(|rope| rope.regime(tokens) == Regime::Long);
        if long { Regime::Long } else { Regime::Short }
    }

    /// What enters the first layer, `[ΣT, d]`.
    pub(super) fn embed(&self, packed: &Packed, positions: &[u32]) -> Result<Tensor> {
        let mut x = self.embedding.rows(&packed.tokens(self.device())?)?;
        #[allow(clippy::float_cmp)] // exactly one means: no factor
        if self.embedding_scale != 1.0 {
            x = (x * self.embedding_scale)?;
        }
        if let Some(table) = &self.positions {
            let positions = Tensor::from_slice(positions, positions.len(), self.device())?;
            x = (x + table.index_select(&positions, 0)?)?;
        }
        Ok(x)
    }
}
