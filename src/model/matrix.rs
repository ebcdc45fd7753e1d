//! Weight matrices in f32, half precision or quantised, applied to f32 activations.

use std::sync::Arc;

use candle_core::{
    DType, Device, Module, Tensor,
    quantized::{GgmlDType, QMatMul, QTensor},
};

use super::{
    card::is_card,
    kernels::{product, product_in_half, product_q8, supports},
};
use crate::error::Result;

/// A weight matrix `[out, in]`.
///
/// The residual stream is always f32. The CPU widens half-precision weights to f32 for each product; a card multiplies
/// in half precision with f32 sums, which rounds inputs and results. Quantised products round their inputs as well.
/// [`Matrix::apply_exact`] never rounds.
#[derive(Clone, Debug)]
pub enum Matrix {
    /// f32, f16 or bf16.
    Dense(Tensor),
    /// Blocks of small integers with scales, as in GGUF.
    Quantised(Arc<QTensor>),
}

impl Matrix {
    /// Returns the shape `[out, in]`.
    pub fn shape(&self) -> Result<(usize, usize)> {
        Ok(match self {
            Self::Dense(tensor) => tensor.dims2()?,
            Self::Quantised(tensor) => tensor.shape().dims2()?,
        })
    }

    /// Returns its device.
    pub fn device(&self) -> Device {
        match self {
            Self::Dense(tensor) => tensor.device().clone(),
            Self::Quantised(tensor) => tensor.device(),
        }
    }

    /// Whether [`Matrix::apply`] rounds its input.
    pub fn rounds(&self) -> bool {
        match self {
            Self::Dense(_) => self.multiplies_in_half(),
            Self::Quantised(tensor) => !is_faster_exact(tensor),
        }
    }

    /// Returns the dtype of its values; f32 if they are quantised.
    pub(super) fn dtype(&self) -> DType {
        match self {
            Self::Dense(tensor) => tensor.dtype(),
            Self::Quantised(_) => DType::F32,
        }
    }

    /// Whether products are in half precision: on a card, if the weights are in half precision.
    pub(super) fn multiplies_in_half(&self) -> bool {
        matches!(self, Self::Dense(tensor) if tensor.dtype() != DType::F32 && is_card(tensor.device()))
    }

    /// Converts `x` to the dtype of the weights if products are in half precision; returns it unchanged otherwise.
    pub(super) fn to_product_dtype(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Dense(tensor) if self.multiplies_in_half() => Ok(x.to_dtype(tensor.dtype())?),
            _ => Ok(x.clone()),
        }
    }

    /// As [`Matrix::apply`], but leaves the result in the dtype of the product.
    pub(super) fn apply_in_product_dtype(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        match self {
            Self::Dense(tensor) if self.multiplies_in_half() => {
                product_in_half(&self.to_product_dtype(x)?, tensor, bias)
            }
            _ => self.apply(x, bias),
        }
    }

    /// Computes `x Wᵀ + b` for `x` `[n, in]` and `b` `[out]`, giving `[n, out]` in f32, by the fastest path.
    pub fn apply(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let tensor = match self {
            Self::Dense(_) if self.multiplies_in_half() => {
                return Ok(self.apply_in_product_dtype(x, bias)?.to_dtype(DType::F32)?);
            }
            Self::Quantised(tensor) if self.rounds() => tensor,
            _ => return self.apply_exact(x, bias),
        };
        let y = QMatMul::QTensor(tensor.clone()).forward(&x.contiguous()?)?;
        Ok(match bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        })
    }

    /// As [`Matrix::apply`], but in f32 from widened weights, without rounding.
    pub fn apply_exact(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        match self {
            Self::Dense(tensor) => product(&x.to_dtype(DType::F32)?, tensor, bias),
            Self::Quantised(tensor) if tensor.dtype() == GgmlDType::Q8_0 && supports(x) => product_q8(x, tensor, bias),
            Self::Quantised(_) => product(x, &self.to_f32()?, bias),
        }
    }

    /// Returns the whole matrix in f32, without a copy if it is in f32 already.
    pub fn to_f32(&self) -> Result<Tensor> {
        Ok(match self {
            Self::Dense(tensor) => tensor.to_dtype(DType::F32)?,
            Self::Quantised(tensor) => tensor.dequantize(&tensor.device())?,
        })
    }

    /// Returns the rows `ids` in f32, `[ids, in]`.
    ///
    /// # Errors
    /// If an id is not below `out`.
    pub fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Dense(tensor) => tensor.index_select(ids, 0)?.to_dtype(DType::F32)?,
            Self::Quantised(tensor) => tensor.embedding(ids)?,
        })
    }
}

/// Whether f32 products of widened weights are faster than the tensor library's integer products. On x86-64 these are
/// fast only for multiples of 256 inputs and of 16 outputs.
fn is_faster_exact(tensor: &QTensor) -> bool {
    let (inputs, outputs) = (256, 16);
    let fits = |(out, inner): (usize, usize)| inner.is_multiple_of(inputs) && out.is_multiple_of(outputs);
    let cpu = tensor.device().is_cpu() && cfg!(target_arch = "x86_64");
    cpu && tensor.dtype() == GgmlDType::Q8_0 && !tensor.shape().dims2().is_ok_and(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantised(out: usize, inner: usize) -> Matrix {
        let weights = Tensor::randn(0.0_f32, 1.0, (out, inner), &Device::Cpu).unwrap();
        Matrix::Quantised(Arc::new(QTensor::quantize(&weights, GgmlDType::Q8_0).unwrap()))
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn products_without_a_fast_kernel_are_exact() {
        for (out, inner, rounds) in [(32, 256, true), (32, 96, false), (40, 256, false)] {
            let matrix = quantised(out, inner);
            let x = Tensor::randn(0.0_f32, 1.0, (5, inner), &Device::Cpu).unwrap();
            let exact = x.matmul(&matrix.to_f32().unwrap().t().unwrap()).unwrap();
            let off = (matrix.apply(&x, None).unwrap() - exact).unwrap().abs().unwrap().max_all().unwrap();
            assert_eq!((matrix.rounds(), off.to_scalar::<f32>().unwrap() > 1e-3), (rounds, rounds), "{out} × {inner}");
        }
    }
}
