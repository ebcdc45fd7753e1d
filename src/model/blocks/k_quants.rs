//! "K" types: blocks of 256 integers with a scale for every 16 or 32 of them.

use super::unpack::{Unpack, bytes, half, write};

pub(super) struct Q2K;
pub(super) struct Q3K;
pub(super) struct Q4K;
pub(super) struct Q5K;
pub(super) struct Q6K;

impl Unpack for Q2K {
    const VALUES: usize = 256;
    const BYTES: usize = 84;

    #[inline(always)]
    fn unpack(block: &[u8], _: usize, out: &mut [f32]) {
        let scales: &[u8; 16] = bytes(block, 0);
        let (scale, minimum) = (half(block, 80), half(block, 82));
        for (group, out) in out.chunks_exact_mut(16).enumerate() {
            let (part, shift, side) = (group / 8, group % 8 / 2 * 2, group % 2);
            let packed: &[u8; 16] = bytes(block, 16 + part * 32 + side * 16);
            let (scale, minimum) = (scale * f32::from(scales[group] & 15), minimum * f32::from(scales[group] >> 4));
            write(
                out,
                packed,
                #[inline(always)]
                |byte, _| scale * ((byte >> shift) & 3) as f32 - minimum,
            );
        }
    }
}

impl Unpack for Q3K {
    const VALUES: usize = 256;
    const BYTES: usize = 110;

    #[inline(always)]
    fn unpack(block: &[u8], _: usize, out: &mut [f32]) {
        let (high, packed): (&[u8; 12], f32) = (bytes(block, 96), half(block, 108));
        for (group, out) in out.chunks_exact_mut(16).enumerate() {
            let (part, turn, side) = (group / 8, group % 8 / 2, group % 2);
            let low: &[u8; 16] = bytes(block, 32 + part * 32 + side * 16);
            let mask: &[u8; 16] = bytes(block, side * 16);
            let scale = packed * (f32::from(scale_of_six_bits(high, group)) - 32.0);
            let bit = part * 4 + turn;
            write(
                out,
                low,
                #[inline(always)]
                |low, index| {
                    let value = ((low >> (2 * turn)) & 3) | (((i32::from(mask[index]) >> bit) & 1) << 2);
                    scale * (value - 4) as f32
                },
            );
        }
    }
}

/// Returns scale `group` of a [`Q3K`] block, 0 to 63: four low bits in the first eight bytes, two high ones in the rest.
#[inline(always)]
fn scale_of_six_bits(packed: &[u8; 12], group: usize) -> u8 {
    let low = if group < 8 { packed[group] & 15 } else { packed[group - 8] >> 4 };
    low | (((packed[8 + group % 4] >> (group / 4 * 2)) & 3) << 4)
}

/// Returns scale and minimum of 32 values of a [`Q4K`] or [`Q5K`] block, 0 to 63.
#[inline(always)]
fn scale_and_minimum(packed: &[u8; 12], group: usize) -> (u8, u8) {
    if group < 4 {
        return (packed[group] & 63, packed[group + 4] & 63);
    }
    let (low, scale, minimum) = (packed[group + 4], packed[group - 4] >> 6, packed[group] >> 6);
    ((low & 15) | (scale << 4), (low >> 4) | (minimum << 4))
}

impl Unpack for Q4K {
    const VALUES: usize = 256;
    const BYTES: usize = 144;

    #[inline(always)]
    fn unpack(block: &[u8], _: usize, out: &mut [f32]) {
        let (scale, minimum, scales) = (half(block, 0), half(block, 2), bytes(block, 4));
        for (group, out) in out.chunks_exact_mut(32).enumerate() {
            let packed: &[u8; 32] = bytes(block, 16 + group / 2 * 32);
            let (own_scale, own_minimum) = scale_and_minimum(scales, group);
            let (scale, minimum) = (scale * f32::from(own_scale), minimum * f32::from(own_minimum));
            let shift = group % 2 * 4;
            write(
                out,
                packed,
                #[inline(always)]
                |byte, _| scale * ((byte >> shift) & 15) as f32 - minimum,
            );
        }
    }
}

impl Unpack for Q5K {
    const VALUES: usize = 256;
    const BYTES: usize = 176;

    #[inline(always)]
    fn unpack(block: &[u8], _: usize, out: &mut [f32]) {
        let (scale, minimum, scales) = (half(block, 0), half(block, 2), bytes(block, 4));
        let high: &[u8; 32] = bytes(block, 16);
        for (group, out) in out.chunks_exact_mut(32).enumerate() {
            let packed: &[u8; 32] = bytes(block, 48 + group / 2 * 32);
            let (own_scale, own_minimum) = scale_and_minimum(scales, group);
            let (scale, minimum) = (scale * f32::from(own_scale), minimum * f32::from(own_minimum));
            let shift = group % 2 * 4;
            write(
                out,
                packed,
                #[inline(always)]
                |byte, index| {
                    let value = ((byte >> shift) & 15) | (((i32::from(high[index]) >> group) & 1) << 4);
                    scale * value as f32 - minimum
                },
            );
        }
    }
}

impl Unpack for Q6K {
    const VALUES: usize = 256;
    const BYTES: usize = 210;

    #[inline(always)]
    fn unpack(block: &[u8], _: usize, out: &mut [f32]) {
        let (scales, scale): (&[u8; 16], f32) = (bytes(block, 192), half(block, 208));
        for (group, out) in out.chunks_exact_mut(16).enumerate() {
            let (part, quarter, side) = (group / 8, group % 8 / 2, group % 2);
            let low: &[u8; 16] = bytes(block, part * 64 + quarter % 2 * 32 + side * 16);
            let high: &[u8; 16] = bytes(block, 128 + part * 32 + side * 16);
            let scale = scale * f32::from(scales[group].cast_signed());
            write(
                out,
                low,
                #[inline(always)]
                |low, index| {
                    let value =
                        ((low >> (quarter / 2 * 4)) & 15) | (((i32::from(high[index]) >> (2 * quarter)) & 3) << 4);
                    scale * (value - 32) as f32
                },
            );
        }
    }
}
