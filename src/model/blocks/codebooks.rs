//! Types whose 4-bit numbers are indices of a table.

use super::{
    plain::nibbles,
    unpack::{Unpack, bytes, half},
};

pub(super) struct Iq4Nl;
pub(super) struct Iq4Xs;
pub(super) struct Mxfp4;

/// Codebook of IQ4_NL and IQ4_XS.
const NON_LINEAR: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

impl Unpack for Iq4Nl {
    const VALUES: usize = 32;
    const BYTES: usize = 18;
    const PART: usize = 16;

    #[inline(always)]
    fn unpack(block: &[u8], part: usize, out: &mut [f32]) {
        non_linear(bytes(block, 2), part, out, half(block, 0));
    }
}

/// Unpacks 16 values of the codebook, times `scale`.
#[inline(always)]
fn non_linear(packed: &[u8; 16], part: usize, out: &mut [f32], scale: f32) {
    nibbles(
        packed,
        part,
        out,
        #[inline(always)]
        |x, _| f32::from(NON_LINEAR[x as usize & 15]) * scale,
    );
}

impl Unpack for Iq4Xs {
    const VALUES: usize = 256;
    const BYTES: usize = 136;
    const PART: usize = 16;

    #[inline(always)]
    fn unpack(block: &[u8], part: usize, out: &mut [f32]) {
        let (scale, high) = (half(block, 0), u16::from_le_bytes(*bytes(block, 2)));
        let (group, low): (usize, &[u8; 4]) = (part / 2, bytes(block, 4));
        let own = ((low[group / 2] >> (group % 2 * 4)) & 15) | (((high >> (2 * group)) as u8 & 3) << 4);
        non_linear(bytes(block, 8 + group * 16), part % 2, out, scale * (f32::from(own) - 32.0));
    }
}

impl Unpack for Mxfp4 {
    const VALUES: usize = 32;
    const BYTES: usize = 17;
    const PART: usize = 16;

    #[inline(always)]
    fn unpack(block: &[u8], part: usize, out: &mut [f32]) {
        let scale = half_power_of_two(block[0]);
        nibbles(
            bytes(block, 1),
            part,
            out,
            #[inline(always)]
            |x, _| twice(x) * scale,
        );
    }
}

/// Returns twice the value of a 4-bit float: sign, two bits of exponent, one of mantissa.
#[inline(always)]
fn twice(x: i32) -> f32 {
    let (exponent, mantissa) = ((x >> 1) & 3, x & 1);
    let magnitude = if exponent == 0 { mantissa } else { (2 + mantissa) << (exponent - 1) };
    (if x & 8 == 0 { magnitude } else { -magnitude }) as f32
}

/// Returns `2^(exponent − 128)`; NaN for 255, as the format defines.
#[inline(always)]
fn half_power_of_two(exponent: u8) -> f32 {
    f32::from_bits(match exponent {
        0 | 1 => 0x0020_0000 << exponent,
        255 => 0x7fc0_0000,
        _ => (u32::from(exponent) - 1) << 23,
    })
}
