//! Squared norms of head outputs, without computing the outputs.

use candle_core::Tensor;

use crate::{
    error::Result,
    model::{Decoder, NormKind, kernels::product},
};

/// Inner products of the columns of every head's output projection in one layer.
///
/// A head adds `A z` to the residual stream, times the realised scale of a norm behind the block. `A` is its part of the
/// output projection, multiplied with that norm's γ (and centred, if the norm centres) and with the layer's multiplier.
/// So its squared norm is `zᵀ (Aᵀ A) z`, at `head_dim²` multiplications for each example.
#[derive(Clone, Debug)]
pub(super) struct HeadGrams {
    /// `Aᵀ A` of each head, `[H, head_dim, head_dim]`.
    grams: Tensor,
}

impl HeadGrams {
    /// Computes the inner products of layer `layer` of `decoder`.
    ///
    /// # Errors
    /// If the computation fails.
    pub(super) fn new(decoder: &Decoder, layer: usize) -> Result<Self> {
        let layer = &decoder.layers[layer];
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
        Ok(Self { grams: product(&columns, &columns, None)? })
    }

    /// Returns the squared norms `[H, B]` of the outputs for `z` `[H, B, head_dim]`, behind a norm with the realised scale
    /// `post_scale` `[B, 1]`, if there is one.
    ///
    /// # Errors
    /// If the computation fails.
    pub(super) fn norms(&self, z: &Tensor, post_scale: Option<&Tensor>) -> Result<Tensor> {
        let norms = (product(z, &self.grams, None)? * z)?.sum(2)?;
        // Rounding may make the norm of an output near zero negative.
        let norms = norms.maximum(0.0)?;
        Ok(match post_scale {
            Some(scale) => norms.broadcast_mul(&scale.sqr()?.t()?)?,
            None => norms,
        })
    }
}
