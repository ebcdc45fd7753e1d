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
    /// Number of equal parts of a row that are normalised separately: 1, or the number of heads.
    pub groups: usize,
}

impl Norm {
    /// Normalises the rows of `x`, `[.., d]`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let epsilon = self.epsilon as f32;
        if kernels::supports(x) {
            return kernels::normalise((self.kind, self.groups), x, &self.weight, self.bias.as_ref(), epsilon);
        }
        let x = x.contiguous()?;
        if self.groups > 1 {
            return self.forward_in_groups(&x);
        }
        Ok(match (self.kind, &self.bias) {
            (NormKind::Rms, None) => candle_nn::ops::rms_norm(&x, &self.weight, epsilon)?,
            (NormKind::Rms, Some(bias)) => candle_nn::ops::rms_norm(&x, &self.weight, epsilon)?.broadcast_add(bias)?,
            (NormKind::Layer, Some(bias)) => candle_nn::ops::layer_norm(&x, &self.weight, bias, epsilon)?,
            (NormKind::Layer, None) => {
                candle_nn::ops::layer_norm(&x, &self.weight, &self.weight.zeros_like()?, epsilon)?
            }
        })
    }

    /// As [`Norm::forward`], by tensor operations for several groups.
    fn forward_in_groups(&self, x: &Tensor) -> Result<Tensor> {
        let parts = x.reshape(((), self.weight.elem_count() / self.groups))?;
        let unit = Tensor::ones(parts.dim(1)?, DType::F32, x.device())?;
        let plain = Self { weight: unit, bias: None, groups: 1, ..self.clone() };
        let scaled = plain.forward(&parts)?.reshape(x.shape())?.broadcast_mul(&self.weight)?;
        Ok(match &self.bias {
            Some(bias) => scaled.broadcast_add(bias)?,
            None => scaled,
        })
    }

    /// Computes the factor that this norm applies to `x` `[n, d]` besides γ: `1/rms` or `1/σ`, `[n, 1]`.
    ///
    /// With this factor fixed the norm is linear, so contributions add up. Norms of several groups have no such factor.
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
            Self::Relu => x.relu()?,
            Self::Clamped { alpha, limit } => {
                let (alpha, limit) = (f64::from(alpha), f64::from(limit));
                let gated = ((x.minimum(limit)? * alpha)?.silu()? / alpha)?;
                return Ok(match up {
                    Some(up) => (gated * (up.clamp(-limit, limit)? + 1.0)?)?,
                    None => gated,
                });
            }
        };
        Ok(match up {
            Some(up) => (x * up)?,
            None => x,
        })
    }
}
