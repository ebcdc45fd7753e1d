//! Matrices in MXFP4 as gpt-oss stores them: one tensor with 4-bit floats and one with scales, `[experts, out, in / 32]`
//! each, with 16 bytes per block in the first.
//!
//! Blocks in memory are those of GGUF files: a scale, then 16 bytes whose low halves are the first 16 values. In these
//! files a byte has two neighbouring values.

use std::sync::Arc;

use super::Weights;
use crate::{
    error::Result,
    model::{
        blocks::{BlockMatrix, BlockType},
        card::is_card,
        matrix::Matrix,
    },
};

const VALUES: usize = 32;
const BYTES: usize = VALUES / 2;
/// The scale that stands for NaN.
const NAN: u8 = u8::MAX;

impl Weights {
    /// Reads rows `rows` of expert `expert` of `experts`; `shape` is that of the whole matrix of an expert, `(out, in)`.
    /// Matrices stay in blocks on the CPU, at every precision.
    ///
    /// # Errors
    /// If a tensor is missing, has a different shape, or contains NaN.
    pub(in crate::model) fn microscaled(
        &self,
        name: &str,
        (expert, experts): (usize, usize),
        (out, width): (usize, usize),
        rows: impl Iterator<Item = usize>,
    ) -> Result<Matrix> {
        let (blocks_name, scales_name) = (format!("{name}_blocks"), format!("{name}_scales"));
        let groups = width / VALUES;
        let blocks = self.find(&blocks_name, &[experts, out, groups, BYTES])?.entry(expert).raw()?;
        let scales = self.find(&scales_name, &[experts, out, groups])?.entry(expert);
        let scale_bytes = scales.raw()?;
        if scale_bytes.contains(&NAN) {
            return Err(scales.error("the tensor contains NaN".to_owned()).into());
        }
        let (mut bytes, mut count) = (Vec::new(), 0);
        for row in rows {
            let values = blocks[row * groups * BYTES..(row + 1) * groups * BYTES].as_chunks::<BYTES>().0;
            for (values, &scale) in values.iter().zip(&scale_bytes[row * groups..(row + 1) * groups]) {
                bytes.push(scale);
                bytes.extend(halves(values));
            }
            count += 1;
        }
        let matrix = BlockMatrix::new(BlockType::Mxfp4, bytes, (count, groups * VALUES))?;
        Ok(if is_card(&self.device) {
            Matrix::Dense(matrix.to_f32()?.to_device(&self.device)?)
        } else {
            Matrix::Blocks(Arc::new(matrix))
        })
    }
}

/// Puts the first 16 values in the low halves of the bytes, and the others in the high ones.
fn halves(neighbours: &[u8; BYTES]) -> [u8; BYTES] {
    let value = |index: usize| (neighbours[index / 2] >> (4 * (index % 2))) & 0x0f;
    std::array::from_fn(|index| value(index) | (value(index + BYTES) << 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_values_become_halves_of_a_block() {
        // Byte i has the values 2i and 2i + 1, modulo 16.
        let neighbours = std::array::from_fn(|i| (2 * i as u8 % 16) | (((2 * i as u8 + 1) % 16) << 4));
        assert_eq!(halves(&neighbours), std::array::from_fn(|i| i as u8 | ((i as u8) << 4)));
    }
}
