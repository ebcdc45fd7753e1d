//! A weight matrix in blocks.

use std::{fmt, ops::Range};

use candle_core::{Device, Tensor};

use super::BlockType;
use crate::error::{Error, Result};

/// A weight matrix `[rows, columns]` whose values are in blocks along its rows, in the CPU's memory.
pub struct BlockMatrix {
    kind: BlockType,
    bytes: Vec<u8>,
    rows: usize,
    columns: usize,
}

impl BlockMatrix {
    /// Wraps the bytes of `rows` rows of `columns` values.
    ///
    /// # Errors
    /// If a row does not fill whole blocks, or there are not as many bytes.
    pub fn new(kind: BlockType, bytes: Vec<u8>, (rows, columns): (usize, usize)) -> Result<Self> {
        let expected = kind.bytes(columns).and_then(|row| row.checked_mul(rows));
        if expected != Some(bytes.len()) {
            let problem = format!("{} bytes are not {rows} rows of {columns} values in {}", bytes.len(), kind.name());
            return Err(Error::Model(problem));
        }
        Ok(Self { kind, bytes, rows, columns })
    }

    /// Returns the type of its blocks.
    pub const fn kind(&self) -> BlockType {
        self.kind
    }

    /// Returns its shape `[rows, columns]`.
    pub const fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// Unpacks `rows` to `out`, in row-major order, on the calling thread.
    pub fn unpack(&self, rows: Range<usize>, out: &mut [f32]) {
        let size = self.bytes.len() / self.rows.max(1);
        self.kind.unpack(&self.bytes[rows.start * size..rows.end * size], out, self.columns);
    }

    /// Returns the whole matrix in f32.
    ///
    /// # Errors
    /// If the tensor cannot be created.
    pub fn to_f32(&self) -> Result<Tensor> {
        let mut values = vec![0.0; self.rows * self.columns];
        self.unpack(0..self.rows, &mut values);
        Ok(Tensor::from_vec(values, (self.rows, self.columns), &Device::Cpu)?)
    }

    /// Returns the rows `ids` in f32, `[ids, columns]`.
    ///
    /// # Errors
    /// If an id is not below the number of rows.
    pub fn select(&self, ids: &[u32]) -> Result<Tensor> {
        let mut values = vec![0.0; ids.len() * self.columns];
        for (out, &id) in values.chunks_exact_mut(self.columns.max(1)).zip(ids) {
            let id = id as usize;
            if id >= self.rows {
                return Err(Error::Model(format!("there is no row {id} in a matrix of {} rows", self.rows)));
            }
            self.unpack(id..id + 1, out);
        }
        Ok(Tensor::from_vec(values, (ids.len(), self.columns), &Device::Cpu)?)
    }
}

impl fmt::Debug for BlockMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockMatrix({} × {} in {})", self.rows, self.columns, self.kind.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use candle_core::safetensors;

    use super::*;

    fn golden() -> HashMap<String, Tensor> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/types/types.safetensors");
        safetensors::load(path, &Device::Cpu).unwrap()
    }

    fn bits(values: &Tensor) -> Vec<u32> {
        values.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
    }

    #[test]
    fn every_type_unpacks_to_the_values_of_the_gguf_package() {
        let golden = golden();
        for &kind in BlockType::ALL {
            let name = kind.name().to_uppercase();
            let (bytes, values) = (&golden[&format!("{name}.bytes")], &golden[&format!("{name}.values")]);
            let bytes = bytes.flatten_all().unwrap().to_vec1::<u8>().unwrap();
            let matrix = BlockMatrix::new(kind, bytes, values.dims2().unwrap()).unwrap();
            assert_eq!(bits(&matrix.to_f32().unwrap()), bits(values), "{name}");
            let rows = matrix.select(&[4, 0]).unwrap();
            assert_eq!(
                bits(&rows),
                bits(&values.index_select(&Tensor::new(&[4_u32, 0], &Device::Cpu).unwrap(), 0).unwrap())
            );
            assert!(matrix.select(&[5]).is_err());
        }
    }

    #[test]
    fn bytes_and_shape_must_agree() {
        assert!(BlockMatrix::new(BlockType::Q4_0, vec![0; 36], (2, 32)).is_ok());
        assert!(BlockMatrix::new(BlockType::Q4_0, vec![0; 35], (2, 32)).is_err());
        assert!(BlockMatrix::new(BlockType::Q4_0, vec![0; 36], (2, 33)).is_err());
    }

    #[test]
    fn an_exponent_that_is_no_number_unpacks_to_nan() {
        let matrix = BlockMatrix::new(BlockType::Mxfp4, [[255; 1].as_slice(), &[0x11; 16]].concat(), (1, 32)).unwrap();
        assert!(bits(&matrix.to_f32().unwrap()).into_iter().all(|bits| f32::from_bits(bits).is_nan()));
    }
}
