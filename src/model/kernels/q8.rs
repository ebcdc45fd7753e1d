//! Weights in blocks of 8-bit integers (Q8_0 of GGUF), as f32.

#![allow(clippy::inline_always, reason = "what is not inlined is compiled for the oldest machine")]

use half::f16;

use super::dispatch::{PerRow, each_row};

/// Weights of a block.
const WEIGHTS: usize = 32;
/// Bytes of a block: its scale in f16, then the integers.
const BLOCK: usize = 2 + WEIGHTS;

/// Bytes of a row of `columns` weights.
pub(super) const fn bytes(columns: usize) -> usize {
    columns / WEIGHTS * BLOCK
}

/// Writes rows of `columns` weights as f32.
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
