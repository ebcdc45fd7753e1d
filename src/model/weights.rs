//! Tensors by name, from safetensors files that are mapped, not read.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    path::{Path, PathBuf},
};

use candle_core::{DType, Device, Tensor, safetensors::Load};
use memmap2::Mmap;
use safetensors::SafeTensors;

use crate::error::{Error, InputError, Result};

/// Bytes of one safetensors file.
enum Bytes {
    Mapped(Mmap),
    Embedded(&'static [u8]),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Embedded(bytes) => bytes,
        }
    }
}

/// One file of a checkpoint.
struct Shard {
    path: PathBuf,
    bytes: Bytes,
}

/// All tensors of a checkpoint.
pub struct Weights {
    shards: Vec<Shard>,
    /// Which shard holds a tensor.
    places: HashMap<String, usize>,
    device: Device,
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Weights({} tensors in {} files)", self.places.len(), self.shards.len())
    }
}

impl Weights {
    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, in `folder`.
    ///
    /// # Errors
    /// If a file is missing, unreadable, or not a sound safetensors file.
    pub fn open(folder: &Path, device: &Device) -> Result<Self> {
        let shards = shard_files(folder)?.into_iter().map(map).collect::<Result<_>>()?;
        Self::index(shards, device)
    }

    /// Tensors of a file that is part of the program.
    ///
    /// # Errors
    /// If `bytes` is not a sound safetensors file.
    pub fn embedded(name: &str, bytes: &'static [u8], device: &Device) -> Result<Self> {
        Self::index(vec![Shard { path: PathBuf::from(name), bytes: Bytes::Embedded(bytes) }], device)
    }

    fn index(shards: Vec<Shard>, device: &Device) -> Result<Self> {
        let mut places = HashMap::new();
        for (index, shard) in shards.iter().enumerate() {
            for name in shard.tensors()?.names() {
                places.insert(name.to_owned(), index);
            }
        }
        Ok(Self { shards, places, device: device.clone() })
    }

    /// Where tensors are placed.
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// Whether the checkpoint has a tensor called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// The tensor `name` in f32; it must have `shape`.
    ///
    /// # Errors
    /// If it is missing, has another shape, or holds NaN or infinity.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let Some(&place) = self.places.get(name) else {
            let path = self.shards.first().map_or_else(PathBuf::new, |shard| shard.path.clone());
            return Err(InputError::new("the checkpoint has no such tensor")
                .path(path)
                .field(name)
                .cure("check that config.json belongs to these weights")
                .into());
        };
        let shard = &self.shards[place];
        let wrong = |problem: String| InputError::new(problem).path(&shard.path).field(name);
        let tensors = shard.tensors()?;
        let view = tensors.tensor(name).map_err(|error| wrong(error.to_string()))?;
        if view.shape() != shape {
            let problem = format!("the tensor has shape {:?}, but config.json asks for {shape:?}", view.shape());
            return Err(wrong(problem).into());
        }
        let tensor = view.load(&self.device).map_err(|error| wrong(error.to_string()))?.to_dtype(DType::F32)?;
        let sum = tensor.abs()?.sum_all()?.to_scalar::<f32>()?;
        if !sum.is_finite() {
            return Err(wrong("the tensor holds NaN or infinite values".to_owned())
                .cure("the file may be damaged; fetch it again")
                .into());
        }
        Ok(tensor)
    }

    /// BLAKE3 over all files in order, in hexadecimal: names the weights of a run.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for shard in &self.shards {
            hasher.update_rayon(shard.bytes.as_slice());
        }
        hasher.finalize().to_hex().to_string()
    }
}

impl Shard {
    fn tensors(&self) -> Result<SafeTensors<'_>> {
        SafeTensors::deserialize(self.bytes.as_slice()).map_err(|error| {
            InputError::new(format!("not a sound safetensors file: {error}"))
                .path(&self.path)
                .cure("the file may be cut short; fetch it again")
                .into()
        })
    }
}

fn map(path: PathBuf) -> Result<Shard> {
    let read = |source| Error::Read { path: path.clone(), source };
    let file = File::open(&path).map_err(read)?;
    // SAFETY: the map is read-only and private to this process. As with every mapped checkpoint, another process that
    // truncates the file meanwhile can end this one; copying tens of gigabytes instead is no option.
    #[allow(unsafe_code)]
    let map = unsafe { Mmap::map(&file) }.map_err(read)?;
    Ok(Shard { path, bytes: Bytes::Mapped(map) })
}

/// What model.safetensors.index.json says.
#[derive(serde::Deserialize)]
struct ShardIndex {
    weight_map: HashMap<String, String>,
}

fn shard_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let index = folder.join("model.safetensors.index.json");
    if !index.exists() {
        let single = folder.join("model.safetensors");
        if single.exists() {
            return Ok(vec![single]);
        }
        return Err(InputError::new("the folder has neither model.safetensors nor model.safetensors.index.json")
            .path(folder)
            .cure("name a folder in the Hugging Face layout: config.json, tokenizer.json and safetensors")
            .into());
    }
    let text = std::fs::read(&index).map_err(|source| Error::Read { path: index.clone(), source })?;
    let parsed: ShardIndex = serde_json::from_slice(&text)
        .map_err(|error| InputError::new(error.to_string()).path(&index).line(error.line()).field("weight_map"))?;
    let names: BTreeSet<String> = parsed.weight_map.into_values().collect();
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}
