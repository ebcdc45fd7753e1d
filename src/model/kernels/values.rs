//! The numbers of a tensor, borrowed.

use std::ops::Deref;

use candle_core::{CpuStorage, DType, Storage, Tensor};

use crate::{
    error::{Error, Result},
    model::card::is_card,
};

/// Whether the kernels here serve `x`.
pub(crate) fn serves(x: &Tensor) -> bool {
    x.dtype() == DType::F32 && !is_card(x.device())
}

/// The numbers of a contiguous f32 tensor on the CPU, in row-major order, borrowed.
pub(in crate::model) fn values(x: &Tensor) -> Result<impl Deref<Target = [f32]>> {
    let (storage, layout) = x.storage_and_layout();
    let (start, len) = (layout.start_offset(), layout.shape().elem_count());
    if !layout.is_contiguous() || !matches!(&*storage, Storage::Cpu(CpuStorage::F32(_))) {
        return Err(Error::Model("a kernel of the CPU needs contiguous f32 numbers".to_owned()));
    }
    Ok(Held { storage, start, len })
}

/// A share of numbers that are locked for reading.
struct Held<S> {
    storage: S,
    start: usize,
    len: usize,
}

impl<S: Deref<Target = Storage>> Deref for Held<S> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.start..self.start + self.len],
            _ => &[],
        }
    }
}
