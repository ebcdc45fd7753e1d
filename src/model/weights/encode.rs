//! Encodes f32 values in blocks, for `--dtype f16`, `bf16` and `q8_0`.

use candle_core::{
    Device, Tensor,
    quantized::{GgmlDType, QTensor},
};
use half::{bf16, f16};

use crate::model::blocks::BlockType;

/// Encodes `values`, rows of `width`, in blocks of `kind`.
///
/// # Errors
/// If a value is too large for `kind`, or there is no encoder for it.
pub(super) fn encode(kind: BlockType, values: &[f32], width: usize, out: &mut [u8]) -> Result<(), String> {
    let halves = out.as_chunks_mut::<2>().0.iter_mut().zip(values);
    match kind {
        BlockType::F16 => {
            halves.for_each(|(out, &value)| *out = f16::from_f32(value).to_le_bytes());
            let largest = f16::MAX.to_f32();
            if values.iter().any(|value| value.abs() > largest) {
                return Err(format!("it has values beyond {largest}, the largest of f16; use --dtype bf16 or f32"));
            }
        }
        BlockType::BF16 => halves.for_each(|(out, &value)| *out = bf16::from_f32(value).to_le_bytes()),
        BlockType::Q8_0 => {
            let shape = (values.len() / width.max(1), width);
            let quantised = Tensor::from_slice(values, shape, &Device::Cpu)
                .and_then(|rows| QTensor::quantize(&rows, GgmlDType::Q8_0))
                .and_then(|rows| rows.data().map(|data| data.to_vec()));
            out.copy_from_slice(&quantised.map_err(|error| error.to_string())?);
        }
        other => return Err(format!("there is no conversion to {}", other.name())),
    }
    Ok(())
}
