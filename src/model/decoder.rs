//! The decoder of every architecture.
//!
//! A file of `family` builds a model from these parts, and one forward pass serves all models. It computes packed
//! suffixes after a shared prefix, and only the last positions in the last layer. A [`Probe`](super::probe::Probe) sees
//! each component's output there; an [`Intervention`](super::intervention::Intervention) changes components' outputs.

use candle_core::{DType, Device, Tensor};

use super::{
    card::is_card,
    layers::{Linear, Norm},
    matrix::Matrix,
    packed::Packed,
    rope::{Regime, Rope},
};
pub use super::{head_grams::HeadGrams, layer::Layer};
use crate::error::Result;

/// A decoder, ready to run. Shapes: `d` width, `V` vocabulary, `L` layers, `H` heads.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Token embeddings `[V, d]`.
    pub embedding: Matrix,
    /// Factor on token embeddings.
    pub embedding_scale: f64,
    /// Norm of the token embeddings.
    pub embedding_norm: Option<Norm>,
    /// Learned position embeddings `[context, d]`.
    pub positions: Option<Tensor>,
    /// Rotary embeddings, which layers refer to by index.
    pub ropes: Vec<Rope>,
    /// Layers, from first to last.
    pub layers: Vec<Layer>,
    /// Final norm.
    pub norm: Norm,
    /// Unembedding `[V, d]`; shares the embedding's memory when tied.
    pub unembedding: Linear,
    /// Factor on the logits.
    pub logit_scale: f64,
    /// Soft-cap `c` of the logits: the model's probabilities are those of `c · tanh(logit / c)`. Label logits are taken
    /// before it, since it changes no prediction.
    pub logit_softcap: Option<f64>,
    /// Longest prompt, in tokens, that the model supports.
    pub context: usize,
    /// Matrices for the norms of head outputs, computed when they are needed.
    pub head_grams: HeadGrams,
}

impl Decoder {
    /// Returns the device of the weights.
    pub fn device(&self) -> &Device {
        self.norm.weight.device()
    }

    /// Returns the number of token ids `V`.
    pub fn vocabulary(&self) -> Result<usize> {
        Ok(self.embedding.shape()?.0)
    }

    /// Returns the width of the residual stream `d`.
    pub fn width(&self) -> Result<usize> {
        Ok(self.embedding.shape()?.1)
    }

    /// Returns the matrices for the norms of head outputs, `[H, head_dim, head_dim]` per layer; computed once per model.
    ///
    /// # Errors
    /// If the computation fails.
    pub(crate) fn head_grams(&self) -> Result<&[Tensor]> {
        self.head_grams.of(&self.layers)
    }

    /// Whether the model is on a graphics card or a simulated one.
    pub(crate) fn is_on_card(&self) -> bool {
        is_card(self.device())
    }

    /// Returns the dtype of its products on a card: that of its weights.
    pub(crate) fn product_dtype(&self) -> DType {
        self.layers[0].attention.query.weight.dtype()
    }

    /// Returns the factor on the usual batch size that is fastest: a card is fastest with many tokens at a time.
    pub(crate) fn batch_factor(&self) -> usize {
        if self.is_on_card() { 16 } else { 1 }
    }

    /// Returns the regime of a prompt of `tokens` tokens.
    pub fn regime(&self, tokens: usize) -> Regime {
        let long = self.ropes.iter().any(|rope| rope.regime(tokens) == Regime::Long);
        if long { Regime::Long } else { Regime::Short }
    }

    /// Computes the input of the first layer, `[ΣT, d]`.
    pub(super) fn embed(&self, packed: &Packed, positions: &[u32]) -> Result<Tensor> {
        let mut x = self.embedding.rows(&packed.tokens(self.device())?)?;
        #[allow(clippy::float_cmp)] // exactly 1 means no factor
        if self.embedding_scale != 1.0 {
            x = (x * self.embedding_scale)?;
        }
        if let Some(norm) = &self.embedding_norm {
            x = norm.forward(&x)?;
        }
        if let Some(table) = &self.positions {
            let positions = Tensor::from_slice(positions, positions.len(), self.device())?;
            x = (x + table.index_select(&positions, 0)?)?;
        }
        Ok(x)
    }
}
