//! From a tensor in a file to one in memory: the wanted rows, in the chosen precision, checked.

use std::{ops::Range, sync::Arc};

use candle_core::{
    DType, Device, Tensor,
    quantized::{GgmlDType, QStorage, QTensor},
};

use super::{Numbers, Precision, Stored, Weights, stored};
use crate::{
    error::{InputError, Result},
    model::matrix::Matrix,
};

/// A tensor that was found and has the expected shape, and the part of it that is wanted.
pub struct Found<'a> {
    pub(super) weights: &'a Weights,
    pub(super) name: &'a str,
    pub(super) stored: &'a Stored,
    pub(super) rows: Option<Vec<Range<usize>>>,
    pub(super) input_first: bool,
}

impl Found<'_> {
    /// Only these rows, in this order.
    #[must_use]
    pub fn rows(self, rows: impl IntoIterator<Item = Range<usize>>) -> Self {
        Self { rows: Some(rows.into_iter().collect()), ..self }
    }

    /// The file has `[in, out]` where others have `[out, in]`; rows are then columns of the file.
    #[must_use]
    pub fn input_first(self) -> Self {
        Self { input_first: true, ..self }
    }

    /// As a tensor in f32.
    ///
    /// # Errors
    /// If it holds NaN or infinity, or cannot be read.
    pub fn tensor(self) -> Result<Tensor> {
        let bytes = self.bytes()?;
        let mut values = self.stored.numbers.to_f32(&bytes).map_err(|problem| self.wrong(problem))?;
        self.check(&values)?;
        if self.stored.shift.abs() > 0.0 {
            for value in &mut values {
                *value += self.stored.shift;
            }
        }
        let shape = self.shape();
        Ok(Tensor::from_vec(values, shape, &self.weights.device)?)
    }

    /// As a matrix in the chosen precision.
    ///
    /// # Errors
    /// If it holds NaN or infinity, or cannot be read.
    pub fn matrix(self) -> Result<Matrix> {
        let device = &self.weights.device;
        let width = self.shape().last().copied().unwrap_or(0);
        let dense = |dtype| Ok(Matrix::Dense(self.again().tensor()?.to_dtype(dtype)?));
        match (self.weights.precision, self.stored.numbers) {
            (Precision::Own, Numbers::Blocks(kind)) => self.blocks(kind),
            (Precision::F16, _) | (Precision::Own, Numbers::F16) => dense(DType::F16),
            (Precision::BF16, _) | (Precision::Own, Numbers::BF16) => dense(DType::BF16),
            (Precision::Q8, _) if width.is_multiple_of(GgmlDType::Q8_0.block_size()) => {
                let tensor = self.tensor()?.to_device(&Device::Cpu)?;
                Ok(Matrix::Quantised(Arc::new(QTensor::quantize_onto(&tensor, GgmlDType::Q8_0, device)?)))
            }
            _ => dense(DType::F32),
        }
    }

    /// The file's own blocks, checked for sound scales.
    fn blocks(self, kind: GgmlDType) -> Result<Matrix> {
        let bytes = self.bytes()?;
        self.check(&self.stored.numbers.to_f32(&bytes).map_err(|problem| self.wrong(problem))?)?;
        let storage = QStorage::from_data(bytes.into(), &self.weights.device, kind)?;
        Ok(Matrix::Quantised(Arc::new(QTensor::new(storage, self.shape())?)))
    }

    fn again(&self) -> Self {
        Self { rows: self.rows.clone(), ..*self }
    }

    /// Shape of what is wanted, `[out, in]`.
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

    /// The wanted rows, one after the other, in the file's numbers.
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
                Ok(rows.into_iter().flatten().flat_map(|at| row(order.place(at, shape[0]))).copied().collect())
            }
            Some(_) => Err(self.wrong(format!("{} rows do not divide among the heads", shape[0])).into()),
        }
    }

    fn check(&self, values: &[f32]) -> Result<()> {
        if values.iter().all(|value| value.is_finite()) {
            return Ok(());
        }
        let problem = "the tensor holds NaN or infinite values".to_owned();
        Err(self.wrong(problem).cure("the file may be damaged; fetch it again").into())
    }

    fn wrong(&self, problem: String) -> InputError {
        self.weights.shards[self.stored.shard].wrong(self.name, problem)
    }
}
