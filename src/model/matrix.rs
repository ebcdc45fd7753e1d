//! Weight matrices, dense or in blocks, applied to f32 activations.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use super::{
    blocks::BlockMatrix,
    card::is_card,
    kernels::{product, product_in_half, product_of_blocks, project_blocks, unpack_panels},
};
use crate::error::Result;

/// A weight matrix `[out, in]`.
///
/// The residual stream is always f32. On the CPU all products are f32, and weights in blocks are unpacked for each of
/// them. A card multiplies half-precision weights in half precision with f32 sums, which rounds inputs and results;
/// [`Matrix::apply_exact`] never rounds.
#[derive(Clone, Debug)]
pub enum Matrix {
    /// f32; on a card also f16 or bf16.
    Dense(Tensor),
    /// Half precision or quantised, as in the file; on the CPU.
    Blocks(Arc<BlockMatrix>),
}

impl Matrix {
    /// Returns the shape `[out, in]`.
    pub fn shape(&self) -> Result<(usize, usize)> {
        Ok(match self {
            Self::Dense(tensor) => tensor.dims2()?,
            Self::Blocks(blocks) => blocks.shape(),
        })
    }

    /// Returns the number format of its values, e.g. `q4_k`.
    pub fn format(&self) -> &'static str {
        match self {
            Self::Dense(tensor) => tensor.dtype().as_str(),
            Self::Blocks(blocks) => blocks.kind().name(),
        }
    }

    /// Unpacks all panels, as a product does, without multiplying them; to measure the time.
    pub(crate) fn unpack_panels(&self) {
        if let Self::Blocks(blocks) = self {
            unpack_panels(blocks);
        }
    }

    /// Returns its device.
    pub fn device(&self) -> Device {
        match self {
            Self::Dense(tensor) => tensor.device().clone(),
            Self::Blocks(_) => Device::Cpu,
        }
    }

    /// Returns the dtype of its values; f32 if they are in blocks.
    pub(super) fn dtype(&self) -> DType {
        match self {
            Self::Dense(tensor) => tensor.dtype(),
            Self::Blocks(_) => DType::F32,
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
            _ => self.apply_exact(x, bias),
        }
    }

    /// Computes `x Wᵀ + b` for `x` `[n, in]` and `b` `[out]`, giving `[n, out]` in f32, by the fastest path.
    pub fn apply(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        Ok(self.apply_in_product_dtype(x, bias)?.to_dtype(DType::F32)?)
    }

    /// As [`Matrix::apply`], but in f32 from unpacked weights, without rounding.
    pub fn apply_exact(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let x = x.to_dtype(DType::F32)?;
        match self {
            Self::Dense(tensor) => product(&x, tensor, bias),
            Self::Blocks(blocks) => product_of_blocks(&x, blocks, bias),
        }
    }

    /// Computes `x W`, `[n, in]` in f32, for `x` `[n, out]`.
    pub fn apply_transposed(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Dense(tensor) => Ok(x.matmul(&tensor.to_dtype(DType::F32)?)?),
            Self::Blocks(blocks) => project_blocks(x, blocks),
        }
    }

    /// Returns the whole matrix in f32, without a copy if it is in f32 already.
    pub fn to_f32(&self) -> Result<Tensor> {
        match self {
            Self::Dense(tensor) => Ok(tensor.to_dtype(DType::F32)?),
            Self::Blocks(blocks) => blocks.to_f32(),
        }
    }

    /// Returns the rows `ids` in f32, `[ids, in]`.
    ///
    /// # Errors
    /// If an id is not below `out`.
    pub fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        match self {
            Self::Dense(tensor) => Ok(tensor.index_select(ids, 0)?.to_dtype(DType::F32)?),
            Self::Blocks(blocks) => blocks.select(&ids.to_vec1::<u32>()?),
        }
    }
}
