//! Loads a tensor from a file: selects rows, converts to the chosen precision, and rejects NaN and infinity.

use std::{ops::Range, path::PathBuf, sync::Arc};

use candle_core::{
    Device, Tensor, WithDType,
    quantized::{GgmlDType, QStorage, QTensor},
};
use half::{bf16, f16};

use super::{
    checkpoint::Weights,
    dtype::Precision,
    stored::{self, Numbers, Stored},
};
use crate::{
    error::{InputError, Result},
    model::matrix::Matrix,
};

/// Bytes decoded at a time.
const CHUNK: usize = 1 << 20;

/// Reader of one tensor of a checkpoint, or of selected rows of it.
pub struct TensorReader<'a> {
    pub(super) weights: &'a Weights,
    pub(super) name: &'a str,
    pub(super) stored: &'a Stored,
    pub(super) rows: Option<Vec<Range<usize>>>,
    pub(super) input_first: bool,
}

impl Weights {
    /// Returns a reader of the tensor `name`, which must have `shape`.
    ///
    /// # Errors
    /// If the tensor is missing or has a different shape.
    pub fn find<'a>(&'a self, name: &'a str, shape: &[usize]) -> Result<TensorReader<'a>> {
        let Some(stored) = self.tensors.get(name) else {
            let path = self.shards.first().map_or_else(PathBuf::new, |shard| shard.path().to_owned());
            return Err(InputError::new("the checkpoint has no such tensor")
                .path(path)
                .field(name)
                .help("check that config.json belongs to these weights")
                .into());
        };
        if stored.shape != shape {
            let problem = format!("the tensor has shape {:?}, but config.json implies {shape:?}", stored.shape);
            return Err(self.shards[stored.shard].error(name, problem).into());
        }
        Ok(TensorReader { weights: self, name, stored, rows: None, input_first: false })
    }
}

impl TensorReader<'_> {
    /// Selects `rows`, in this order.
    #[must_use]
    pub fn rows(self, rows: impl IntoIterator<Item = Range<usize>>) -> Self {
        Self { rows: Some(rows.into_iter().collect()), ..self }
    }

    /// Declares that the file has `[in, out]` instead of `[out, in]`; rows are then columns of the file.
    #[must_use]
    pub fn input_first(self) -> Self {
        Self { input_first: true, ..self }
    }

    /// Reads a tensor in f32.
    ///
    /// # Errors
    /// If it contains NaN or infinity, or cannot be read.
    pub fn tensor(self) -> Result<Tensor> {
        self.dense(|value| value)
    }

    /// Reads a matrix in the chosen precision.
    ///
    /// # Errors
    /// If it contains NaN or infinity, or cannot be read.
    pub fn matrix(self) -> Result<Matrix> {
        let width = self.shape().last().copied().unwrap_or(0);
        match (self.weights.precision, self.stored.numbers) {
            (Precision::Stored, Numbers::Blocks(kind)) => self.blocks(kind),
            (Precision::F16, _) | (Precision::Stored, Numbers::F16) => Ok(Matrix::Dense(self.dense(f16::from_f32)?)),
            (Precision::BF16, _) | (Precision::Stored, Numbers::BF16) => Ok(Matrix::Dense(self.dense(bf16::from_f32)?)),
            (Precision::Q8, _) if width.is_multiple_of(GgmlDType::Q8_0.block_size()) => self.quantised(width),
            _ => Ok(Matrix::Dense(self.dense(|value| value)?)),
        }
    }

    /// Reads the selected values and converts each with `convert`.
    fn dense<T: WithDType>(&self, convert: impl Fn(f32) -> T) -> Result<Tensor> {
        let shape = self.shape();
        let mut all: Vec<T> = Vec::with_capacity(shape.iter().product());
        self.each_chunk(&mut |values| {
            all.extend(values.iter().map(|&value| convert(value)));
            Ok(())
        })?;
        Ok(Tensor::from_vec(all, shape, &self.weights.device)?)
    }

    /// Quantises to `Q8_0`, a few rows of `width` values at a time.
    fn quantised(&self, width: usize) -> Result<Matrix> {
        let kind = GgmlDType::Q8_0;
        let mut all: Vec<u8> = Vec::with_capacity(self.stored.elements() / kind.block_size() * kind.type_size());
        self.each_chunk(&mut |values| {
            let rows = Tensor::from_slice(values, (values.len() / width, width), &Device::Cpu)?;
            all.extend_from_slice(&QTensor::quantize(&rows, kind)?.data()?);
            Ok(())
        })?;
        self.quantised_as(kind, all)
    }

    /// Reads the file's quantised blocks unchanged, after checking that their values are finite.
    fn blocks(&self, kind: GgmlDType) -> Result<Matrix> {
        self.each_chunk(&mut |_| Ok(()))?;
        self.quantised_as(kind, self.bytes()?)
    }

    fn quantised_as(&self, kind: GgmlDType, bytes: Vec<u8>) -> Result<Matrix> {
        let storage = QStorage::from_data(bytes.into(), &self.weights.device, kind)?;
        Ok(Matrix::Quantised(Arc::new(QTensor::new(storage, self.shape())?)))
    }

    /// Passes the selected values to `take`, in order and whole rows at a time, after checking that they are finite.
    ///
    /// If the whole tensor is selected in file order, it is read in chunks, so the raw bytes are never all in memory.
    fn each_chunk(&self, take: &mut dyn FnMut(&[f32]) -> Result<()>) -> Result<()> {
        let mut decode = |bytes: &[u8]| {
            let mut values = self.stored.numbers.to_f32(bytes).map_err(|problem| self.error(problem))?;
            self.check(&values)?;
            if self.stored.shift.abs() > 0.0 {
                for value in &mut values {
                    *value += self.stored.shift;
                }
            }
            take(&values)
        };
        let row = self.shape().last().copied().unwrap_or(1).max(1);
        let row = self.stored.numbers.bytes(row).unwrap_or(self.stored.length).max(1);
        let chunk = row * (CHUNK / row).max(1);
        if self.is_in_file_order() {
            return self.weights.shards[self.stored.shard].read_chunks(self.name, self.stored, chunk, &mut decode);
        }
        self.bytes()?.chunks(chunk).try_for_each(decode)
    }

    /// Whether the selection is the whole tensor in file order.
    fn is_in_file_order(&self) -> bool {
        self.rows.is_none() && self.stored.reorder.is_none() && (!self.transposes() || self.stored.transposed)
    }

    /// Shape of the selection, `[out, in]`.
    fn shape(&self) -> Vec<usize> {
        let mut shape = self.stored.shape.clone();
        if self.transposes() {
            shape.reverse();
        }
        if let Some(rows) = &self.rows {
            shape[0] = rows.iter().map(Range::len).sum();
        }
        shape
    }

    fn transposes(&self) -> bool {
        self.input_first && self.stored.shape.len() == 2
    }

    /// Reads the selected rows in the file's number format.
    fn bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = self.weights.shards[self.stored.shard].read(self.name, self.stored)?;
        let mut shape = self.stored.shape.clone();
        if self.transposes() {
            if !self.stored.transposed {
                let width = bytes.len() / self.stored.elements().max(1);
                bytes = stored::transpose(&bytes, shape[0], shape[1], width);
            }
            shape.reverse();
        }
        let all = || std::iter::once(0..shape[0]).collect();
        let rows: Vec<Range<usize>> = match (&self.rows, self.stored.reorder) {
            (None, None) => return Ok(bytes),
            (rows, _) => rows.clone().unwrap_or_else(all),
        };
        let width = bytes.len() / shape[0].max(1);
        let row = |row: usize| &bytes[row * width..(row + 1) * width];
        match self.stored.reorder {
            None => Ok(rows.iter().flat_map(|rows| &bytes[rows.start * width..rows.end * width]).copied().collect()),
            Some(order) if order.fits(shape[0]) => {
                Ok(rows.into_iter().flatten().flat_map(|at| row(order.row_in_file(at, shape[0]))).copied().collect())
            }
            Some(_) => Err(self.error(format!("{} rows do not divide among the heads", shape[0])).into()),
        }
    }

    /// Returns an error if a value is not finite.
    fn check(&self, values: &[f32]) -> Result<()> {
        if values.iter().all(|value| value.is_finite()) {
            return Ok(());
        }
        let problem = "the tensor contains NaN or infinite values".to_owned();
        Err(self.error(problem).help("the file may be damaged; fetch it again").into())
    }

    /// Creates an error about this tensor.
    fn error(&self, problem: String) -> InputError {
        self.weights.shards[self.stored.shard].error(self.name, problem)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, path::Path};

    use candle_core::{DType, safetensors};

    use super::*;

    /// More rows than fit in one chunk.
    const SHAPE: (usize, usize) = (CHUNK / (4 * 160) + 9, 160);

    fn checkpoint(folder: &Path, dtype_in_file: DType) -> Tensor {
        let numbers: Vec<f32> = (0..SHAPE.0 * SHAPE.1).map(|i| ((i * 7919) % 1013) as f32 / 512.0 - 1.0).collect();
        let tensor = Tensor::from_vec(numbers, SHAPE, &Device::Cpu).unwrap().to_dtype(dtype_in_file).unwrap();
        let file = folder.join("model.safetensors");
        safetensors::save(&HashMap::from([("w".to_owned(), tensor.clone())]), file).unwrap();
        tensor
    }

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn chunks_add_up_to_the_whole_tensor() {
        let folder = tempfile::tempdir().unwrap();
        for dtype_in_file in [DType::F32, DType::BF16, DType::F16] {
            let whole = checkpoint(folder.path(), dtype_in_file);
            for (precision, dtype) in
                [(Precision::F32, DType::F32), (Precision::BF16, DType::BF16), (Precision::F16, DType::F16)]
            {
                let weights = Weights::open(folder.path(), &Device::Cpu).unwrap().with_precision(precision);
                let Matrix::Dense(read) = weights.matrix("w", SHAPE).unwrap() else { panic!("not dense") };
                assert_eq!((read.dtype(), numbers(&read)), (dtype, numbers(&whole.to_dtype(dtype).unwrap())));
            }
        }
    }

    #[test]
    fn selected_rows_and_columns_equal_those_of_the_whole_tensor() {
        let folder = tempfile::tempdir().unwrap();
        let whole = checkpoint(folder.path(), DType::F32);
        let weights = Weights::open(folder.path(), &Device::Cpu).unwrap();
        let reader = || weights.find("w", &[SHAPE.0, SHAPE.1]).unwrap();
        let rows = reader().rows([3..5, 1000..1007]).tensor().unwrap();
        let expected = Tensor::cat(&[whole.narrow(0, 3, 2).unwrap(), whole.narrow(0, 1000, 7).unwrap()], 0).unwrap();
        assert_eq!(numbers(&rows), numbers(&expected));
        assert_eq!(
            numbers(&reader().input_first().tensor().unwrap()),
            numbers(&whole.t().unwrap().contiguous().unwrap())
        );
    }

    #[test]
    fn chunks_are_quantised_like_the_whole_tensor() {
        let folder = tempfile::tempdir().unwrap();
        let whole = checkpoint(folder.path(), DType::F32);
        let weights = Weights::open(folder.path(), &Device::Cpu).unwrap().with_precision(Precision::Q8);
        let Matrix::Quantised(read) = weights.matrix("w", SHAPE).unwrap() else { panic!("not quantised") };
        assert_eq!(read.data().unwrap(), QTensor::quantize(&whole, GgmlDType::Q8_0).unwrap().data().unwrap());
    }
}
