//! Parts of decoders: linear maps, norms, activations.

use candle_core::{D, DType, Tensor};

pub use super::functions::{Activation, NormKind};
use super::{kernels, matrix::Matrix};
use crate::error::Result;

/// An affine map in the layout of Hugging Face checkpoints.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Matrix,
    /// `[out]`.
    pub bias: Option<Tensor>,
}

impl Linear {
    /// Computes `x Wᵀ + b` for `x` `[n, in]`, giving `[n, out]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.weight.apply(x, self.bias.as_ref())
    }

    /// As [`Linear::forward`], but leaves the result in the dtype of the product.
    pub(super) fn forward_in_product_dtype(&self, x: &Tensor) -> Result<Tensor> {
        self.weight.apply_in_product_dtype(x, self.bias.as_ref())
    }

    /// As [`Linear::forward`], but entirely in f32, even on a card in half precision.
    pub fn forward_exact(&self, x: &Tensor) -> Result<Tensor> {
        self.weight.apply_exact(x, self.bias.as_ref())
    }
}

/// A normalisation with its learned scale.
#[derive(Clone, Debug)]
pub struct Norm {
    /// Divisor: root mean square or standard deviation.
    pub kind: NormKind,
    /// Scale γ `[d]`, including any offset of the architecture.
    pub weight: Tensor,
    /// Shift β `[d]`.
    pub bias: Option<Tensor>,
    /// Added to the mean square or variance.
    pub epsilon: f64,
}

impl Norm {
    /// Normalises the last dimension of `x`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let epsilon = self.epsilon as f32;
        if kernels::supports(x) {
            return kernels::normalise(self.kind, x, &self.weight, self.bias.as_ref(), epsilon);
        }
        let x = x.contiguous()?;
        Ok(match (self.kind, &self.bias) {
            (NormKind::Rms, None) => candle_nn::ops::rms_norm(&x, &self.weight, epsilon)?,
            (NormKind::Rms, Some(bias)) => candle_nn::ops::rms_norm(&x, &self.weight, epsilon)?.broadcast_add(bias)?,
            (NormKind::Layer, Some(bias)) => candle_nn::ops::layer_norm(&x, &self.weight, bias, epsilon)?,
            (NormKind::Layer, None) => {
                candle_nn::ops::layer_norm(&x, &self.weight, &self.weight.zeros_like()?, epsilon)?
            }
        })
    }

    /// Computes the factor that this norm applies to `x` `[n, d]` besides γ: `1/rms` or `1/σ`, `[n, 1]`.
    ///
    /// With this factor fixed the norm is linear, so contributions add up.
    pub fn realised_scale(&self, x: &Tensor) -> Result<Tensor> {
        let x = match self.kind {
            NormKind::Rms => x.clone(),
            NormKind::Layer => x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?,
        };
        Ok((x.sqr()?.mean_keepdim(D::Minus1)? + self.epsilon)?.sqrt()?.recip()?)
    }
}

impl Activation {
    /// Applies the function to every element of `x` and multiplies by `up`, if given; `x` must not share its storage
    /// with another tensor, since it may be changed in place.
    pub fn forward(self, x: Tensor, up: Option<&Tensor>) -> Result<Tensor> {
        if kernels::supports(&x) {
            kernels::activate(self, &x, up)?;
            return Ok(x);
        }
        // In half precision the tensor library's SiLU is accurate, but its other functions round at every step.
        let x = match self {
            Self::Silu => x.silu()?,
            Self::GeluTanh => x.to_dtype(DType::F32)?.gelu()?.to_dtype(x.dtype())?,
            Self::GeluErf => x.to_dtype(DType::F32)?.gelu_erf()?.to_dtype(x.dtype())?,
        };
        Ok(match up {
            Some(up) => (x * up)?,
            None => x,
        })
    }
}
