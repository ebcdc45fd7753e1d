//! Tensors by name, read from checkpoint files one at a time.
//!
//! Files are read, not mapped: nothing but the tensor being made is held twice, and a file that another process cuts
//! short meanwhile is an error here and not the end of the program.

mod safetensors;
mod shard;
mod stored;

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::{
    DType, Device, Tensor,
    quantized::{GgmlDType, QStorage, QTensor},
};
pub(crate) use safetensors::shards as shard_names;
use shard::Shard;
pub(crate) use stored::Reorder;
pub use stored::{Numbers, Stored};

use super::matrix::Matrix;
use crate::error::{InputError, Result};

/// What matrices are kept as. Norms, biases and positions are always f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// Half precision.
    F16,
    /// Half precision with the range of f32.
    BF16,
    /// Blocks of 32 bytes with one scale; matrices whose width is no multiple of 32 stay in f32.
    Q8,
    /// As the file has them.
    Own,
}

/// All tensors of a checkpoint.
#[derive(Debug)]
pub struct Weights {
    shards: Vec<Shard>,
    tensors: HashMap<String, Stored>,
    precision: Precision,
    device: Device,
}

/// A tensor that was found and has the expected shape, and the part of it that is wanted.
pub struct Found<'a> {
    weights: &'a Weights,
    name: &'a str,
    stored: &'a Stored,
    rows: Option<Vec<Range<usize>>>,
    input_first: bool,
}

impl Weights {
    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, in `folder`.
    ///
    /// # Errors
    /// If a file is missing, unreadable, or not a sound safetensors file.
    pub fn open(folder: &Path, device: &Device) -> Result<Self> {
        let shards = safetensors::files(folder)?.into_iter().map(Shard::open).collect::<Result<_>>()?;
        Self::index(shards, device)
    }

    /// Tensors of a file that is part of the program.
    ///
    /// # Errors
    /// If `bytes` is not a sound safetensors file.
    pub fn embedded(name: &str, bytes: &'static [u8], device: &Device) -> Result<Self> {
        Self::index(vec![Shard::embedded(name, bytes)], device)
    }

    /// Tensors of one file whose header was read and checked elsewhere.
    pub(super) fn from_file(path: &Path, tensors: Vec<(String, Stored)>, device: &Device) -> Result<Self> {
        let shards = vec![Shard::open(path.to_owned())?];
        Ok(Self { shards, tensors: tensors.into_iter().collect(), precision: Precision::F32, device: device.clone() })
    }

    fn index(shards: Vec<Shard>, device: &Device) -> Result<Self> {
        let mut tensors: HashMap<String, Stored> = HashMap::new();
        for (index, shard) in shards.iter().enumerate() {
            for (name, stored) in safetensors::index(shard, index)? {
                if tensors.insert(name.clone(), stored).is_some() {
                    return Err(shard.wrong(&name, "the tensor is in two files of the checkpoint").into());
                }
            }
        }
        Ok(Self { shards, tensors, precision: Precision::F32, device: device.clone() })
    }

    /// Chooses what matrices are kept as.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Where tensors are placed.
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// Whether the checkpoint has a tensor called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// All tensors, in no order.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &Stored)> {
        self.tensors.iter().map(|(name, stored)| (name.as_str(), stored))
    }

    /// Whether any tensor is quantised in the file.
    pub fn has_blocks(&self) -> bool {
        self.tensors.values().any(|stored| matches!(stored.numbers, Numbers::Blocks(_)))
    }

    /// Short name of what most of the matrices are kept as.
    pub fn kept_as(&self) -> String {
        match self.precision {
            Precision::F32 => "f32".to_owned(),
            Precision::F16 => "f16".to_owned(),
            Precision::BF16 => "bf16".to_owned(),
            Precision::Q8 => "q8_0".to_owned(),
            Precision::Own => self.own_numbers(),
        }
    }

    /// Short name of what most of the numbers are in the file.
    pub fn own_numbers(&self) -> String {
        let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
        for stored in self.tensors.values() {
            *sizes.entry(stored.numbers.name()).or_default() += stored.elements();
        }
        sizes.into_iter().max_by_key(|&(_, size)| size).map_or_else(String::new, |(name, _)| name)
    }

    /// The tensor `name`, which must have `shape`.
    ///
    /// # Errors
    /// If it is missing or has another shape.
    pub fn find<'a>(&'a self, name: &'a str, shape: &[usize]) -> Result<Found<'a>> {
        let Some(stored) = self.tensors.get(name) else {
            let path = self.shards.first().map_or_else(PathBuf::new, |shard| shard.path().to_owned());
            return Err(InputError::new("the checkpoint has no such tensor")
                .path(path)
                .field(name)
                .cure("check that the configuration belongs to these weights")
                .into());
        };
        if stored.shape != shape {
            let problem = format!("the tensor has shape {:?}, but the configuration asks for {shape:?}", stored.shape);
            return Err(self.shards[stored.shard].wrong(name, problem).into());
        }
        Ok(Found { weights: self, name, stored, rows: None, input_first: false })
    }

    /// A vector or table in f32.
    ///
    /// # Errors
    /// If it is missing, has another shape, or holds NaN or infinity.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.find(name, shape)?.tensor()
    }

    /// A matrix in the chosen precision.
    ///
    /// # Errors
    /// If it is missing, has another shape, or holds NaN or infinity.
    pub fn matrix(&self, name: &str, shape: (usize, usize)) -> Result<Matrix> {
        self.find(name, &[shape.0, shape.1])?.matrix()
    }

    /// BLAKE3 over all files in order, in hexadecimal: names the weights of a run.
    ///
    /// # Errors
    /// If a file cannot be read any more.
    pub fn hash(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        self.shards.iter().try_for_each(|shard| shard.hash_into(&mut hasher))?;
        Ok(hasher.finalize().to_hex().to_string())
    }
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
