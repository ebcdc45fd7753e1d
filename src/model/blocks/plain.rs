//! Half-precision floats, and blocks of 32 integers with one scale.

use super::unpack::{Unpack, bytes, f16_to_f32, half, write};

pub(super) struct F16;
pub(super) struct Bf16;
pub(super) struct Q4_0;
pub(super) struct Q4_1;
pub(super) struct Q5_0;
pub(super) struct Q5_1;
pub(super) struct Q8_0;

impl Unpack for F16 {
    const VALUES: usize = 1;
    const BYTES: usize = 2;

    #[inline(always)]
    fn unpack(block: &[u8], _: usize, out: &mut [f32]) {
        out[0] = f16_to_f32(u16::from_le_bytes([block[0], block[1]]));
    }
}

impl Unpack for Bf16 {
    const VALUES: usize = 1;
    const BYTES: usize = 2;

    #[inline(always)]
    fn unpack(block: &[u8], _: usize, out: &mut [f32]) {
        out[0] = f32::from_bits(u32::from(u16::from_le_bytes([block[0], block[1]])) << 16);
    }
}

/// Writes `value(byte & 15)` of 16 bytes to `out` for part 0 of a block, `value(byte >> 4)` for part 1.
#[inline(always)]
pub(super) fn nibbles(packed: &[u8; 16], part: usize, out: &mut [f32], value: impl Fn(i32, usize) -> f32) {
    let (shift, first) = (4 * part, 16 * part);
    write(
        out,
        packed,
        #[inline(always)]
        |byte, index| value((byte >> shift) & 15, index + first),
    );
}

impl Unpack for Q4_0 {
    const VALUES: usize = 32;
    const BYTES: usize = 18;
    const PART: usize = 16;

    #[inline(always)]
    fn unpack(block: &[u8], part: usize, out: &mut [f32]) {
        let scale = half(block, 0);
        nibbles(
            bytes(block, 2),
            part,
            out,
            #[inline(always)]
            |x, _| (x - 8) as f32 * scale,
        );
    }
}

impl Unpack for Q4_1 {
    const VALUES: usize = 32;
    const BYTES: usize = 20;
    const PART: usize = 16;

    #[inline(always)]
    fn unpack(block: &[u8], part: usize, out: &mut [f32]) {
        let (scale, minimum) = (half(block, 0), half(block, 2));
        nibbles(
            bytes(block, 4),
            part,
            out,
            #[inline(always)]
            |x, _| x as f32 * scale + minimum,
        );
    }
}

/// Returns the fifth bit of value `index`, as 16 or 0.
#[inline(always)]
fn fifth(bits: u32, index: usize) -> i32 {
    ((bits >> index) & 1).cast_signed() << 4
}

impl Unpack for Q5_0 {
    const VALUES: usize = 32;
    const BYTES: usize = 22;
    const PART: usize = 16;

    #[inline(always)]
    fn unpack(block: &[u8], part: usize, out: &mut [f32]) {
        let (scale, bits) = (half(block, 0), u32::from_le_bytes(*bytes(block, 2)));
        nibbles(
            bytes(block, 6),
            part,
            out,
            #[inline(always)]
            |x, index| ((x | fifth(bits, index)) - 16) as f32 * scale,
        );
    }
}

impl Unpack for Q5_1 {
    const VALUES: usize = 32;
    const BYTES: usize = 24;
    const PART: usize = 16;

    #[inline(always)]
    fn unpack(block: &[u8], part: usize, out: &mut [f32]) {
        let (scale, minimum) = (half(block, 0), half(block, 2));
        let bits = u32::from_le_bytes(*bytes(block, 4));
        nibbles(
            bytes(block, 8),
            part,
            out,
            #[inline(always)]
            |x, index| (x | fifth(bits, index)) as f32 * scale + minimum,
        );
    }
}

impl Unpack for Q8_0 {
    const VALUES: usize = 32;
    const BYTES: usize = 34;

    #[inline(always)]
    fn unpack(block: &[u8], _: usize, out: &mut [f32]) {
        let (scale, integers) = (half(block, 0), bytes::<32>(block, 2));
        write(
            out,
            integers,
            #[inline(always)]
            |byte, _| ((byte ^ 128) - 128) as f32 * scale,
        );
    }
}
