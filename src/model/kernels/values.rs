//! Borrowed values of a tensor.

use std::ops::Deref;

use candle_core::{CpuStorage, DType, Storage, Tensor};

use crate::{
    error::{Error, Result},
    model::card::is_card,
};

/// Whether the CPU kernels support `x`: f32 values on the CPU.
pub(crate) fn supports(x: &Tensor) -> bool {
    x.dtype() == DType::F32 && !is_card(x.device())
}

/// Borrows the values of a contiguous f32 tensor on the CPU, in row-major order.
///
/// # Errors
/// If the tensor is not contiguous, not in f32 or not on the CPU.
pub(in crate::model) fn values(x: &Tensor) -> Result<impl Deref<Target = [f32]>> {
    let (storage, layout) = x.storage_and_layout();
    let (start, len) = (layout.start_offset(), layout.shape().elem_count());
    if !layout.is_contiguous() || !matches!(&*storage, Storage::Cpu(CpuStorage::F32(_))) {
        return Err(Error::Model("a CPU kernel needs contiguous f32 values".to_owned()));
    }
    Ok(ValuesGuard { storage, start, len })
}

/// Read lock on part of a tensor's values.
struct ValuesGuard<S> {
    storage: S,
    start: usize,
    len: usize,
}

impl<S: Deref<Target = Storage>> Deref for ValuesGuard<S> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.start..self.start + self.len],
            _ => &[],
        }
    }
}
