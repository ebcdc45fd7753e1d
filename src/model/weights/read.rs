//! Loads a tensor from a file: selects rows, converts to the chosen precision, and rejects NaN and infinity.

use std::{
    borrow::Cow,
    ops::Range,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use candle_core::{Tensor, WithDType};
use half::{bf16, f16};

use super::{
    checkpoint::Weights,
    encode::encode,
    stored::{self, Numbers, Reorder, Stored},
};
use crate::{
    error::{Error, InputError, Result},
    model::{
        blocks::{BlockMatrix, BlockType},
        card::is_card,
        kernels::for_each,
        matrix::Matrix,
    },
};

/// Bytes that a thread decodes at a time.
const CHUNK: usize = 1 << 18;

/// Reader of one tensor of a checkpoint, or of selected rows of it.
pub struct TensorReader<'a> {
    pub(super) weights: &'a Weights,
    pub(super) name: &'a str,
    pub(super) stored: Cow<'a, Stored>,
    pub(super) rows: Option<Vec<Range<usize>>>,
    pub(super) input_first: bool,
    pub(super) order: Option<Reorder>,
}

impl Weights {
    /// Creates an error about the tensor `name`, which no file has.
    pub(in crate::model) fn error(&self, name: &str, problem: &str) -> InputError {
        let path = self.shards.first().map_or_else(PathBuf::new, |shard| shard.path().to_owned());
        InputError::new(problem).path(path).field(name)
    }

    /// Returns a reader of the tensor `name`, which must have `shape`.
    ///
    /// # Errors
    /// If the tensor is missing or has a different shape.
    pub fn find<'a>(&'a self, name: &'a str, shape: &[usize]) -> Result<TensorReader<'a>> {
        let Some((name, stored)) = self.lookup(name) else {
            let error = self.error(name, "the checkpoint has no such tensor");
            return Err(error.help("check that config.json belongs to these weights").into());
        };
        if stored.shape != shape {
            let problem = format!("the tensor has shape {:?}, but config.json implies {shape:?}", stored.shape);
            return Err(self.shards[stored.shard].error(name, problem).into());
        }
        self.note_read(name);
        let (order, stored) = (stored.reorder, Cow::Borrowed(stored));
        Ok(TensorReader { weights: self, name, stored, rows: None, input_first: false, order })
    }
}

impl TensorReader<'_> {
    /// Selects `rows`, in this order.
    #[must_use]
    pub fn rows(self, rows: impl IntoIterator<Item = Range<usize>>) -> Self {
        Self { rows: Some(rows.into_iter().collect()), ..self }
    }

    /// Selects entry `index` along the first dimension.
    #[must_use]
    pub fn entry(self, index: usize) -> Self {
        Self { stored: Cow::Owned(self.stored.slice(index)), ..self }
    }

    /// Reads the bytes of the whole tensor.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn raw(&self) -> Result<Vec<u8>> {
        self.read_range(0..self.stored.length)
    }

    /// Reads all values in f32, in the order of the file.
    ///
    /// # Errors
    /// If one is NaN or infinite, they cannot be read, or their order or offset in the file differs.
    pub(in crate::model) fn values(&self) -> Result<Vec<f32>> {
        let plain = self.stored.reorder.is_none() && !self.stored.transposed && self.stored.shift == 0.0;
        if !plain {
            return Err(self.error("its values are not stored as they are used".to_owned()).into());
        }
        let values = self.stored.numbers.to_f32(&self.raw()?).map_err(|problem| self.error(problem))?;
        self.check(&values)?;
        Ok(values)
    }

    /// Declares that the file has `[in, out]` instead of `[out, in]`; rows are then columns of the file.
    #[must_use]
    pub fn input_first(self) -> Self {
        Self { input_first: true, ..self }
    }

    /// Declares the order of the rows in the file.
    #[must_use]
    pub(in crate::model) fn ordered(self, order: Reorder) -> Self {
        Self { order: Some(order), ..self }
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
        let card = is_card(&self.weights.device);
        match self.stored.in_memory(self.weights.precision, width) {
            Numbers::Blocks(kind) if !card => self.blocks(kind),
            Numbers::Blocks(BlockType::F16) => Ok(Matrix::Dense(self.dense(f16::from_f32)?)),
            Numbers::Blocks(BlockType::BF16) => Ok(Matrix::Dense(self.dense(bf16::from_f32)?)),
            _ => Ok(Matrix::Dense(self.dense(|value| value)?)),
        }
    }

    /// Reads the selected values and converts each with `convert`.
    fn dense<T: WithDType + Default>(&self, convert: impl Fn(f32) -> T + Sync) -> Result<Tensor> {
        let all = self.read(self.row_values(), |_, values, out: &mut [T]| {
            for (out, &value) in out.iter_mut().zip(values) {
                *out = convert(value);
            }
            Ok(())
        })?;
        Ok(Tensor::from_vec(all, self.shape(), &self.weights.device)?)
    }

    /// Reads a matrix in blocks of `kind`; blocks of that kind in the file are kept as they are.
    fn blocks(&self, kind: BlockType) -> Result<Matrix> {
        let shape = self.shape();
        let (&[rows, width], Some(size)) = (&shape[..], kind.bytes(self.row_values())) else {
            return Err(self.error(format!("a tensor of shape {shape:?} is no matrix in {}", kind.name())).into());
        };
        let as_in_file = self.stored.numbers == Numbers::Blocks(kind);
        let bytes = self.read(size, |bytes, values, out: &mut [u8]| {
            if as_in_file {
                out.copy_from_slice(bytes);
                return Ok(());
            }
            encode(kind, values, width, out)
        })?;
        Ok(Matrix::Blocks(Arc::new(BlockMatrix::new(kind, bytes, (rows, width))?)))
    }

    /// Reads the selected rows in chunks, on all threads. `convert` gets the bytes and values of whole rows, which are
    /// finite, and fills `size` units of the result per row.
    ///
    /// If the whole tensor is selected in file order, the raw bytes are never all in memory.
    fn read<T: Default + Clone + Send>(
        &self,
        size: usize,
        convert: impl Fn(&[u8], &[f32], &mut [T]) -> Result<(), String> + Sync,
    ) -> Result<Vec<T>> {
        let shape = self.shape();
        let rows = if shape.len() < 2 { 1 } else { shape[0] };
        let row = self.stored.numbers.bytes(self.row_values()).unwrap_or(self.stored.length);
        let mut all = vec![T::default(); rows * size];
        if row == 0 || all.is_empty() {
            return Ok(all);
        }
        let gathered = if self.is_in_file_order() { None } else { Some(self.bytes()?) };
        let chunk = (CHUNK / row).max(1);
        let failure: Mutex<Option<(usize, Error)>> = Mutex::new(None);
        for_each(all.chunks_mut(chunk * size).enumerate().collect(), |(index, out)| {
            let range = index * chunk * row..(index * chunk + out.len() / size) * row;
            let done = match &gathered {
                Some(bytes) => self.convert(&bytes[range], out, &convert),
                None => self.read_range(range).and_then(|bytes| self.convert(&bytes, out, &convert)),
            };
            if let (Err(error), Ok(mut failure)) = (done, failure.lock())
                && failure.as_ref().is_none_or(|&(first, _)| index < first)
            {
                *failure = Some((index, error));
            }
        });
        match failure.into_inner() {
            Ok(None) => Ok(all),
            Ok(Some((_, error))) => Err(error),
            Err(_) => Err(self.error("a thread that read it failed".to_owned()).into()),
        }
    }

    /// Decodes `bytes`, checks that the values are finite, and converts them.
    fn convert<T>(
        &self,
        bytes: &[u8],
        out: &mut [T],
        convert: impl Fn(&[u8], &[f32], &mut [T]) -> Result<(), String>,
    ) -> Result<()> {
        let mut values = self.stored.numbers.to_f32(bytes).map_err(|problem| self.error(problem))?;
        self.check(&values)?;
        if self.stored.shift.abs() > 0.0 {
            for value in &mut values {
                *value += self.stored.shift;
            }
        }
        convert(bytes, &values, out).map_err(|problem| self.error(problem))?;
        self.weights.progress.add(bytes.len());
        Ok(())
    }

    /// Reads the bytes `range` of the tensor.
    fn read_range(&self, range: Range<usize>) -> Result<Vec<u8>> {
        self.weights.shards[self.stored.shard].read(self.name, &self.stored, range)
    }

    /// Returns the number of values in a row of the selection; all of them if it is a vector.
    fn row_values(&self) -> usize {
        let shape = self.shape();
        shape[usize::from(shape.len() > 1)..].iter().product()
    }

    /// Whether the selection is the whole tensor in file order.
    fn is_in_file_order(&self) -> bool {
        self.rows.is_none() && self.order.is_none() && (!self.transposes() || self.stored.transposed)
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
        if let (Some(rows), None, false) = (&self.rows, self.order, self.transposes()) {
            let width = self.stored.length / self.stored.shape[0].max(1);
            let parts = rows.iter().map(|rows| self.read_range(rows.start * width..rows.end * width));
            return Ok(parts.collect::<Result<Vec<_>>>()?.concat());
        }
        let mut bytes = self.read_range(0..self.stored.length)?;
        let mut shape = self.stored.shape.clone();
        if self.transposes() {
            if !self.stored.transposed {
                let width = bytes.len() / self.stored.elements().max(1);
                bytes = stored::transpose(&bytes, shape[0], shape[1], width);
            }
            shape.reverse();
        }
        let all = || std::iter::once(0..shape[0]).collect();
        let rows: Vec<Range<usize>> = match (&self.rows, self.order) {
            (None, None) => return Ok(bytes),
            (rows, _) => rows.clone().unwrap_or_else(all),
        };
        let width = bytes.len() / shape[0].max(1);
        let row = |row: usize| &bytes[row * width..(row + 1) * width];
        match self.order {
            None => Ok(rows.iter().flat_map(|rows| &bytes[rows.start * width..rows.end * width]).copied().collect()),
            Some(order) if order.fits(shape[0]) => {
                Ok(rows.into_iter().flatten().flat_map(|at| row(order.row_in_file(at, shape[0]))).copied().collect())
            }
            Some(_) => Err(self.error(format!("{} rows do not divide among the heads", shape[0])).into()),
        }
    }

    /// Returns an error if a value is not finite.
    fn check(&self, values: &[f32]) -> Result<()> {
        // Without an early exit, so that the loop is vectorised.
        if values.iter().fold(true, |finite, value| finite & value.is_finite()) {
            return Ok(());
        }
        let problem = "the tensor contains NaN or infinite values".to_owned();
        Err(self.error(problem).help("the file may be damaged; fetch it again").into())
    }

    /// Creates an error about this tensor.
    pub(super) fn error(&self, problem: String) -> InputError {
        self.weights.shards[self.stored.shard].error(self.name, problem)
    }
}

#[cfg(test)]
mod tests;
