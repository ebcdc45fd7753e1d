//! Squared norms of head outputs, without computing the outputs.

use candle_core::Tensor;

use crate::{error::Result, model::kernels::product};

/// Returns the squared norms `[H, B]` of the outputs for `z` `[H, B, head_dim]`, behind a norm with the realised scale
/// `post_scale` `[B, 1]`, if there is one; `grams` are the [`head_grams`](crate::model::Decoder::head_grams) of the layer.
pub(super) fn head_norms(z: &Tensor, grams: &Tensor, post_scale: Option<&Tensor>) -> Result<Tensor> {
    let norms = (product(z, grams, None)? * z)?.sum(2)?;
    // Rounding may make the norm of an output near zero negative.
    let norms = norms.maximum(0.0)?;
    Ok(match post_scale {
        Some(scale) => norms.broadcast_mul(&scale.sqr()?.t()?)?,
        None => norms,
    })
}
