//! Weight matrices in whatever type they are kept, applied to activations that are always f32.

use std::sync::Arc;

use candle_core::{
    DType, Device, Module, Tensor,
    quantized::{GgmlDType, QMatMul, QTensor},
};

use super::kernels::{product, product_q8, serves};
use crate::error::Result;

/// A weight matrix `[out, in]`.
///
/// The residual stream is f32 whatever the weights are: half-precision weights are widened when they are used, so that
/// only their storage is small. Quantised products round their inputs as well; [`Matrix::apply_exact`] does not.
#[derive(Clone, Debug)]
pub enum Matrix {
    /// f32, f16 or bf16.
    Dense(Tensor),
    /// Blocks of small integers with scales, as in GGUF.
    Quantised(Arc<QTensor>),
}

impl Matrix {
    /// `[out, in]`.
    pub fn shape(&self) -> Result<(usize, usize)> {
        Ok(match self {
            Self::Dense(tensor) => tensor.dims2()?,
            Self::Quantised(tensor) => tensor.shape().dims2()?,
        })
    }

    /// Where it lives.
    pub fn device(&self) -> Device {
        match self {
            Self::Dense(tensor) => tensor.device().clone(),
            Self::Quantised(tensor) => tensor.device(),
        }
    }

    /// Whether [`Matrix::apply`] rounds its input.
    pub const fn is_quantised(&self) -> bool {
        matches!(self, Self::Quantised(_))
    }

    /// `x Wᵀ + b` for `x` `[n, in]` and `b` `[out]`, giving `[n, out]`, by the quickest path.
    pub fn apply(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let Self::Quantised(tensor) = self else {
            return self.apply_exact(x, bias);
        };
        let y = QMatMul::QTensor(tensor.clone()).forward(&x.contiguous()?)?;
        Ok(match bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        })
    }

    /// The same in f32, from widened weights.
    pub fn apply_exact(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        match self {
            Self::Dense(tensor) => product(x, tensor, bias),
            Self::Quantised(tensor) if tensor.dtype() == GgmlDType::Q8_0 && serves(x) => product_q8(x, tensor, bias),
            Self::Quantised(_) => product(x, &self.to_f32()?, bias),
        }
    }

    /// The whole matrix in f32; no copy if it is that already.
    pub fn to_f32(&self) -> Result<Tensor> {
        Ok(match self {
            Self::Dense(tensor) => tensor.to_dtype(DType::F32)?,
            Self::Quantised(tensor) => tensor.dequantize(&tensor.device())?,
        })
    }

    /// The rows `ids` in f32, `[ids, in]`.
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
