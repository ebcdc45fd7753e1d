//! One forward pass for every architecture.
//!
//! A family file describes a model with the pieces below; the pass itself is written once. It works on packed suffixes
//! that continue a shared prefix, keeps only last positions in the last layer, lets a [`Probe`] see what each component
//! adds there, and takes an [`Intervention`] that changes what components write.

use candle_core::{Device, Tensor};

pub use super::layer::Layer;
use super::{
    attention::KeyValue,
    intervention::Intervention,
    layers::{Linear, Norm},
    matrix::Matrix,
    packed::Packed,
    probe::{NoProbe, Probe},
    rope::{Regime, Rope},
    stream::{PrefixStream, Stream},
};
use crate::{cancel::Cancel, error::Result};

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

/// Keys and values of a shared prefix, per layer.
#[derive(Clone, Debug, Default)]
pub struct Prefix {
    pub(super) tokens: usize,
    pub(super) layers: Vec<KeyValue>,
}

impl Prefix {
    /// Number of tokens.
    pub const fn len(&self) -> usize {
        self.tokens
    }

    /// Whether there is no shared prefix.
    pub const fn is_empty(&self) -> bool {
        self.tokens == 0
    }

    /// Keys and values of one layer; `None` if there are no tokens.
    pub fn layer(&self, layer: usize) -> Option<&KeyValue> {
        self.layers.get(layer)
    }
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

    /// Whether one batch at a time is quickest: where products are shared among threads by someone else than us.
    pub(crate) fn prefers_one_batch(&self) -> bool {
        !self.device().is_cpu() || self.layers[0].maps().any(|map| map.weight.rounds())
    }

    /// The regime of a prompt of `tokens` tokens.
    pub fn regime(&self, tokens: usize) -> Regime {
        let long = self.ropes.iter().any(|rope| rope.regime(tokens) == Regime::Long);
        if long { Regime::Long } else { Regime::Short }
    }

    /// Computes keys and values of the tokens that all prompts of a regime share, while `change` is made at all of
    /// them.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled) between layers, or a failed computation.
    pub fn prefix(&self, tokens: &[u32], regime: Regime, change: &Intervention, cancel: &Cancel) -> Result<Prefix> {
        PrefixStream::begin(self, tokens, regime)?.finish(change, &mut NoProbe, cancel)
    }

    /// Runs a batch of suffixes and shows `probe` what happens at each prompt's last token.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled) between layers, or a failed computation.
    pub fn forward(
        &self,
        packed: Packed,
        prefix: &Prefix,
        change: &Intervention,
        probe: &mut dyn Probe,
        cancel: &Cancel,
    ) -> Result<()> {
        Stream::begin(self, packed)?.finish(prefix, change, probe, cancel)
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
