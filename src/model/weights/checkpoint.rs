//! Index of a checkpoint's tensors by name.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Mutex,
};

use candle_core::{Device, Tensor};

use super::{
    dtype::Precision,
    folder, pickle,
    progress::{LoadObserver, LoadProgress},
    safetensors,
    shard::Shard,
    stored::{Numbers, Stored},
};
use crate::{
    error::Result,
    model::{blocks::BlockType, matrix::Matrix},
};

/// First parts of tensor names that checkpoints of base models lack.
const ROOTS: [&str; 3] = ["model", "transformer", "gpt_neox"];

/// A checkpoint: its files, an index of its tensors, and how to load them.
#[derive(Debug)]
pub struct Weights {
    pub(super) shards: Vec<Shard>,
    pub(super) tensors: HashMap<String, Stored>,
    pub(super) precision: Precision,
    pub(super) device: Device,
    pub(super) progress: LoadProgress,
    notes: Vec<String>,
    /// Names of the tensors that [`Weights::replaced`] gave new values.
    replaced: Vec<String>,
    /// Those of them that were read.
    read: Mutex<HashSet<String>>,
}

impl Weights {
    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, in `folder`; without them
    /// `pytorch_model.bin`, alone or with its index.
    ///
    /// # Errors
    /// If a file is missing, unreadable, or not valid.
    pub fn open(folder: &Path, device: &Device) -> Result<Self> {
        let shards = folder::files(folder)?.into_iter().map(Shard::open).collect::<Result<_>>()?;
        Self::index(shards, device)
    }

    /// Opens one file: a pickle of PyTorch if it is called `.bin`, else safetensors.
    ///
    /// # Errors
    /// If it is unreadable or not valid.
    pub(in crate::model) fn of_file(path: &Path) -> Result<Self> {
        Self::index(vec![Shard::open(path.to_owned())?], &Device::Cpu)
    }

    /// Opens a safetensors file embedded in the binary; errors name `name`.
    ///
    /// # Errors
    /// If `bytes` is not a valid safetensors file.
    pub fn embedded(name: &str, bytes: &'static [u8], device: &Device) -> Result<Self> {
        Self::index(vec![Shard::embedded(name, bytes)], device)
    }

    /// Opens files with `tensors`, whose headers the caller has validated.
    ///
    /// # Errors
    /// If a file cannot be opened, or two have a tensor of the same name.
    pub(in crate::model) fn from_files(
        paths: &[PathBuf],
        tensors: Vec<(String, Stored)>,
        device: &Device,
    ) -> Result<Self> {
        let shards = paths.iter().map(|path| Shard::open(path.clone())).collect::<Result<Vec<_>>>()?;
        let mut all: HashMap<String, Stored> = HashMap::new();
        for (name, stored) in tensors {
            let shard = stored.shard;
            if all.insert(name.clone(), stored).is_some() {
                return Err(shards[shard].error(&name, "the model contains this tensor twice").into());
            }
        }
        Ok(Self::new(shards, all, device))
    }

    fn index(shards: Vec<Shard>, device: &Device) -> Result<Self> {
        let mut tensors: HashMap<String, Stored> = HashMap::new();
        for (index, shard) in shards.iter().enumerate() {
            let is_pickle = shard.path().extension().is_some_and(|extension| extension == "bin");
            let found = if is_pickle { pickle::index(shard, index)? } else { safetensors::index(shard, index)? };
            for (name, stored) in found {
                if tensors.insert(name.clone(), stored).is_some() {
                    return Err(shard.error(&name, "two files of the checkpoint contain this tensor").into());
                }
            }
        }
        Ok(Self::new(shards, tensors, device))
    }

    fn new(shards: Vec<Shard>, tensors: HashMap<String, Stored>, device: &Device) -> Self {
        let progress = LoadProgress::default();
        Self {
            shards,
            tensors,
            precision: Precision::F32,
            device: device.clone(),
            progress,
            notes: Vec::new(),
            replaced: Vec::new(),
            read: Mutex::default(),
        }
    }

    /// Reports the bytes that are read to `observer`.
    #[must_use]
    pub fn observed_by(self, observer: LoadObserver) -> Self {
        let total = self.tensors.values().map(|stored| stored.length as u64).sum();
        Self { progress: LoadProgress::new(observer, total), ..self }
    }

    /// Sets the precision of matrices in memory.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Device on which tensors are created.
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// Whether the checkpoint has a tensor named `name`.
    pub fn has(&self, name: &str) -> bool {
        self.lookup(name).is_some()
    }

    /// Returns the tensor `name` with its name in the file, which lacks the first part in files of base models.
    pub(super) fn lookup(&self, name: &str) -> Option<(&str, &Stored)> {
        let found = |name: &str| self.tensors.get_key_value(name).map(|(name, stored)| (name.as_str(), stored));
        let without_root = || {
            let (root, rest) = name.split_once('.')?;
            found(rest).filter(|_| ROOTS.contains(&root))
        };
        found(name).or_else(without_root)
    }

    /// Keeps the tensors that `rename` gives a name, under that name.
    pub(in crate::model) fn renamed(self, rename: impl Fn(&str) -> Option<String>) -> Self {
        let tensors = self.tensors.into_iter().filter_map(|(name, stored)| Some((rename(&name)?, stored)));
        Self { tensors: tensors.collect(), ..self }
    }

    /// Replaces the values of the tensor `name`, which keeps its shape and is then f32.
    ///
    /// # Errors
    /// If there is no such tensor, or it has another number of values.
    pub(in crate::model) fn replaced(mut self, name: &str, values: &[f32]) -> Result<Self> {
        let found = self.lookup(name).filter(|(_, stored)| stored.elements() == values.len());
        let Some((name, stored)) = found.map(|(name, stored)| (name.to_owned(), stored.clone())) else {
            return Err(self.error(name, "the checkpoint has no such tensor of this size").into());
        };
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let new = Stored::new(0, bytes.len(), stored.shape, Numbers::F32).in_file(self.shards.len());
        let path = self.shards[stored.shard].path().to_owned();
        self.shards.push(Shard::in_memory(path, bytes));
        self.tensors.insert(name.clone(), new);
        if let Ok(read) = self.read.get_mut() {
            read.remove(&name);
        }
        self.replaced.push(name);
        Ok(self)
    }

    /// Notes that the tensor `name` is read.
    pub(super) fn note_read(&self, name: &str) {
        if !self.replaced.is_empty()
            && let Ok(mut read) = self.read.lock()
        {
            read.insert(name.to_owned());
        }
    }

    /// Returns the first tensor that was given new values and that the model has not read.
    pub(in crate::model) fn unread(&self) -> Option<&str> {
        let read = self.read.lock().ok()?;
        self.replaced.iter().find(|name| !read.contains(*name)).map(String::as_str)
    }

    /// Returns the shape of the tensor `name` of the file.
    pub(in crate::model) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|stored| stored.shape.as_slice())
    }

    /// Adds a sentence about how the weights were made.
    #[must_use]
    pub(in crate::model) fn with_note(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }

    /// Sentences about how the weights were made, beyond reading them.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// All tensors with their names, in arbitrary order.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &Stored)> {
        self.tensors.iter().map(|(name, stored)| (name.as_str(), stored))
    }

    /// Whether any tensor is quantised in the file.
    pub fn has_blocks(&self) -> bool {
        self.tensors.values().any(|stored| matches!(stored.numbers, Numbers::Blocks(kind) if kind.is_quantised()))
    }

    /// Returns the precision that leaves all matrices as they are in the files, if that is one of `--dtype`'s.
    pub fn uniform_precision(&self) -> Option<Precision> {
        let mut matrices = self.tensors.values().filter(|stored| stored.shape.len() > 1).map(|stored| stored.numbers);
        let first = matrices.next()?;
        let precision = match first {
            Numbers::F32 => Precision::F32,
            Numbers::Blocks(BlockType::F16) => Precision::F16,
            Numbers::Blocks(BlockType::BF16) => Precision::BF16,
            Numbers::Blocks(BlockType::Q8_0) => Precision::Q8,
            _ => return None,
        };
        matrices.all(|numbers| numbers == first).then_some(precision)
    }

    /// Precision in memory, as set by [`Weights::with_precision`].
    pub const fn precision(&self) -> Precision {
        self.precision
    }

    /// Dtype of most matrices in memory, as in `run.json`.
    pub fn dtype_name(&self) -> String {
        match self.precision {
            Precision::F32 => "f32".to_owned(),
            Precision::F16 => "f16".to_owned(),
            Precision::BF16 => "bf16".to_owned(),
            Precision::Q8 => "q8_0".to_owned(),
            Precision::Stored => self.stored_format(),
        }
    }

    /// Most frequent number format in the files, counted by values.
    pub fn stored_format(&self) -> String {
        let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
        for stored in self.tensors.values() {
            *sizes.entry(stored.numbers.name()).or_default() += stored.elements();
        }
        sizes.into_iter().max_by_key(|&(_, size)| size).map_or_else(String::new, |(name, _)| name)
    }

    /// Reads a vector or matrix in f32.
    ///
    /// # Errors
    /// If it is missing, has a different shape, or contains NaN or infinity.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.find(name, shape)?.tensor()
    }

    /// Reads a matrix in the chosen precision.
    ///
    /// # Errors
    /// If it is missing, has a different shape, or contains NaN or infinity.
    pub fn matrix(&self, name: &str, shape: (usize, usize)) -> Result<Matrix> {
        self.find(name, &[shape.0, shape.1])?.matrix()
    }

    /// Computes BLAKE3 over all files in order, in hexadecimal; identifies a run's weights.
    ///
    /// # Errors
    /// If a file can no longer be read.
    pub fn hash(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        self.shards.iter().try_for_each(|shard| shard.hash_into(&mut hasher))?;
        Ok(hasher.finalize().to_hex().to_string())
    }
}
