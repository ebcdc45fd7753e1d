//! Decodes weights in blocks of 8-bit integers (Q8_0 of GGUF) to f32.

#![allow(clippy::inline_always, reason = "without inlining, functions are compiled for the baseline instruction set")]

use half::f16;

use super::dispatch::{PerRow, each_row};

/// Weights per block.
const WEIGHTS: usize = 32;
/// Bytes per block: a scale in f16, then the integers.
const BLOCK: usize = 2 + WEIGHTS;

/// Returns the bytes of a row of `columns` weights.
pub(super) const fn bytes(columns: usize) -> usize {
    columns / WEIGHTS * BLOCK
}

/// Decodes `blocks` into `out`, in rows of `columns` weights.
pub(super) fn widen(blocks: &[u8], out: &mut [f32], columns: usize) {
    each_row(&Widened { blocks }, out, columns);
}

struct Widened<'a> {
    blocks: &'a [u8],
}

impl PerRow for Widened<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(&self, index: usize, out: &mut [f32]) {
        let size = bytes(out.len());
        let blocks = self.blocks[index * size..(index + 1) * size].chunks_exact(BLOCK);
        for (out, block) in out.chunks_exact_mut(WEIGHTS).zip(blocks) {
            let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
            for (out, &byte) in out.iter_mut().zip(&block[2..]) {
                *out = f32::from(byte.cast_signed()) * scale;
            }
        }
    }
}
