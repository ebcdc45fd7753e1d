//! Unpacks rows of blocks with the widest vector instructions of the processor.

use crate::model::kernels::{PerRow, rows_in_order};

/// A block layout. The method must be `inline(always)`, as for [`PerRow`].
pub(super) trait Unpack: Sync {
    /// Values per block.
    const VALUES: usize;
    /// Bytes per block.
    const BYTES: usize;
    /// Values that are unpacked at a time; they divide a block.
    const PART: usize = Self::VALUES;

    /// Unpacks a part of `block`, [`Unpack::BYTES`] bytes, to `out`, [`Unpack::PART`] values.
    fn unpack(block: &[u8], part: usize, out: &mut [f32]);
}

/// Unpacks `bytes` to `out`, in rows of `columns` values, on the calling thread.
pub(super) fn rows<T: Unpack>(bytes: &[u8], out: &mut [f32], columns: usize) {
    rows_in_order(&Rows { bytes, kind: std::marker::PhantomData::<T> }, out, columns);
}

struct Rows<'a, T> {
    bytes: &'a [u8],
    kind: std::marker::PhantomData<T>,
}

impl<T: Unpack> PerRow for Rows<'_, T> {
    #[inline(always)]
    fn run<const FUSED: bool>(&self, index: usize, out: &mut [f32]) {
        let size = out.len() / T::VALUES * T::BYTES;
        let row = &self.bytes[index * size..(index + 1) * size];
        let parts = T::VALUES / T::PART;
        for (index, out) in out.chunks_exact_mut(T::PART).enumerate() {
            let at = index / parts * T::BYTES;
            T::unpack(&row[at..at + T::BYTES], index % parts, out);
        }
    }
}

/// Returns the `N` bytes of `block` from `at` on.
#[inline(always)]
pub(super) fn bytes<const N: usize>(block: &[u8], at: usize) -> &[u8; N] {
    block[at..].first_chunk().unwrap_or(&[0; N])
}

/// Writes `value(byte, index)` for every byte to the start of `out`. The values pass through an array, since the compiler
/// vectorises loops of constant length only if they cannot overwrite what they read.
#[inline(always)]
pub(super) fn write<const N: usize>(out: &mut [f32], bytes: &[u8; N], value: impl Fn(i32, usize) -> f32) {
    let mut values = [0.0; N];
    for (index, (to, &byte)) in values.iter_mut().zip(bytes).enumerate() {
        *to = value(i32::from(byte), index);
    }
    out[..N].copy_from_slice(&values);
}

/// Returns the f16 number at `at`. Without calls, so that the caller stays vectorised.
#[inline(always)]
pub(super) fn half(block: &[u8], at: usize) -> f32 {
    f16_to_f32(u16::from_le_bytes(*bytes(block, at)))
}

/// Converts the bits of an f16 number.
#[inline(always)]
pub(super) fn f16_to_f32(bits: u16) -> f32 {
    const SUBNORMAL: f32 = 1.0 / (1 << 24) as f32;
    let (exponent, mantissa) = (bits & 0x7c00, bits & 0x03ff);
    let sign = u32::from(bits & 0x8000) << 16;
    let rebias = if exponent == 0x7c00 { 224 } else { 112 };
    let normal = (u32::from(bits & 0x7fff) << 13) + (rebias << 23);
    let subnormal = (f32::from(mantissa) * SUBNORMAL).to_bits();
    f32::from_bits(sign | if exponent == 0 { subnormal } else { normal })
}

#[cfg(test)]
mod tests {
    use half::f16;

    #[test]
    fn every_half_is_converted_exactly() {
        for bits in 0..=u16::MAX {
            let (found, expected) = (super::f16_to_f32(bits), f16::from_bits(bits).to_f32());
            assert!(found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()), "{bits:04x}");
        }
    }
}
