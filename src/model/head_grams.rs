//! Inner products of the columns of every head's output projection, for squared norms of head outputs.

use std::sync::{Arc, OnceLock};

use candle_core::Tensor;

use super::{kernels::product, layer::Layer, layers::NormKind};
use crate::error::Result;

/// `Aᵀ A` of each head, `[H, head_dim, head_dim]` per layer, computed on first use. Clones share them.
///
/// A head adds `A z` to the residual stream, times the realised scale of a norm behind the block. `A` is its part of the
/// output projection, multiplied with that norm's γ (and centred, if the norm centres) and with the layer's multiplier.
/// So its squared norm is `zᵀ (Aᵀ A) z`, at `head_dim²` multiplications for each example.
#[derive(Clone, Debug, Default)]
pub struct HeadGrams(Arc<OnceLock<Vec<Tensor>>>);

impl HeadGrams {
    /// Returns the matrices of `layers`, which are always those of the same model.
    ///
    /// # Errors
    /// If the computation fails.
    pub(super) fn of(&self, layers: &[Layer]) -> Result<&[Tensor]> {
        if let Some(known) = self.0.get() {
            return Ok(known);
        }
        let grams = layers.iter().map(gram).collect::<Result<Vec<_>>>()?;
        Ok(self.0.get_or_init(|| grams))
    }
}

fn gram(layer: &Layer) -> Result<Tensor> {
    let attention = &layer.attention;
    let mut weight = attention.output.weight.to_f32()?;
    if let Some(norm) = &layer.attention_post_norm {
        if norm.kind == NormKind::Layer {
            weight = weight.broadcast_sub(&weight.mean_keepdim(0)?)?;
        }
        weight = weight.broadcast_mul(&norm.weight.unsqueeze(1)?)?;
    }
    let columns = (weight.t()? * layer.residual_scale)?.contiguous()?;
    let columns = columns.reshape((attention.heads, attention.head_dim, ()))?;
    product(&columns, &columns, None)
}
