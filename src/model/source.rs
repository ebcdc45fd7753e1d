//! Sources of models: the demo, a folder, a GGUF file, or the Hugging Face hub.

use std::{
    fmt,
    io::Read,
    path::{Path, PathBuf},
    str::FromStr,
};

use candle_core::Device;

use super::{
    adapter::Adapter,
    card,
    chat::ChatTemplate,
    family::{self, Config},
    files::Files,
    gguf,
    hub::{self, Repo},
    memory, ollama, sentence_piece,
    tokenizer::Tokenizer,
    weights::{Dtype, LoadObserver, Weights},
};
use crate::{
    disk::{self, is_lfs_pointer, lfs_pointer},
    error::{Error, InputError, Result},
};

/// Model that `-m` names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The embedded demo model.
    #[default]
    Demo,
    /// A folder in the Hugging Face layout.
    Folder(PathBuf),
    /// A GGUF file.
    Gguf(PathBuf),
    /// A model on the Hugging Face hub or in the local cache.
    Hub(Repo),
}

/// Options for loading a model.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Device of the weights.
    pub device: Device,
    /// Type of the weights in memory.
    pub dtype: Dtype,
    /// Whether connections are forbidden.
    pub offline: bool,
    /// Memory that may be used, in bytes; `None` for what the system reports as free.
    pub memory: Option<u64>,
    /// Addresses of the hub and its cache; `None` for those in the environment.
    pub hub: Option<hub::Settings>,
    /// Observer of downloads.
    pub watcher: hub::Watcher,
    /// Observer of loading.
    pub observer: LoadObserver,
}

impl Default for LoadOptions {
    fn default() -> Self {
        let (watcher, observer) = (hub::Watcher::default(), LoadObserver::default());
        Self { device: Device::Cpu, dtype: Dtype::Auto, offline: false, memory: None, hub: None, watcher, observer }
    }
}

impl LoadOptions {
    /// Opens the device that `--device` names: `auto`, `cpu`, `cuda`, `cuda:1`, `metal`.
    ///
    /// # Errors
    /// If there is no such device, it cannot be used, or this program was built without support for it.
    pub fn device(name: &str) -> Result<Device> {
        let invalid = |problem: &str, help: &str| -> Result<Device> {
            Err(InputError::new(problem).field("--device").help(help).into())
        };
        let (kind, number) = name.split_once(':').unwrap_or((name, "0"));
        let number = match number.parse::<usize>() {
            Ok(number) if number == 0 || kind == "cuda" => number,
            _ => return invalid(&format!("`{name}` names no device"), "write cpu, cuda, cuda:1 or metal"),
        };
        let unavailable = |error: candle_core::Error| InputError::new(error.to_string()).field("--device").into();
        match kind {
            card::SIMULATED_CARD => Ok(card::simulate()),
            "auto" if cfg!(feature = "cuda") => Ok(card::open(0).unwrap_or(Device::Cpu)),
            "auto" if cfg!(feature = "metal") => Ok(Device::metal_if_available(0)?),
            "auto" | "cpu" => Ok(Device::Cpu),
            "cuda" if cfg!(feature = "cuda") => card::open(number),
            "metal" if cfg!(feature = "metal") => Device::new_metal(number).map_err(unavailable),
            "cuda" | "metal" => invalid(
                &format!("this program was built without {kind}"),
                match kind {
                    "cuda" => "build it with `tools/cuda.sh build --release --features cuda`, or use --device cpu",
                    _ => "build it with `cargo build --release --features metal`, or use --device cpu",
                },
            ),
            _ => invalid(&format!("`{name}` names no device"), "write cpu, cuda, cuda:1 or metal"),
        }
    }

    fn hub(&self) -> Result<hub::Settings> {
        let settings = self.hub.clone().map_or_else(hub::Settings::from_env, Ok)?;
        let offline = settings.offline.or(self.offline.then_some("--offline"));
        Ok(hub::Settings { offline, ..settings })
    }

    /// Returns the free memory of the device in bytes; `None` if it is unknown.
    pub fn free_memory(&self) -> Option<u64> {
        self.memory.or_else(|| if self.device.is_cpu() { memory::free() } else { card::free_memory(&self.device) })
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "demo" => Ok(Self::Demo),
            name if name.starts_with(ollama::PREFIX) => ollama::resolve(&name[ollama::PREFIX.len()..]).map(Self::Gguf),
            path if Path::new(path).is_dir() => Ok(Self::Folder(PathBuf::from(path))),
            path if gguf::is_gguf(Path::new(path)) || is_named_gguf(Path::new(path)) => {
                Ok(Self::Gguf(PathBuf::from(path)))
            }
            path if Path::new(path).is_file() => Err(not_a_model(Path::new(path)).into()),
            given => given.parse().map(Self::Hub).map_err(|_| Error::Unknown {
                what: "model",
                given: given.to_owned(),
                known: vec![
                    "demo".to_owned(),
                    "any folder with config.json, tokenizer.json and safetensors".to_owned(),
                    "any GGUF file".to_owned(),
                    "any org/name[@revision] on the Hugging Face hub".to_owned(),
                    "ollama:NAME[:TAG]".to_owned(),
                ],
            }),
        }
    }
}

fn is_named_gguf(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
}

/// Returns the error for a file that is not a GGUF file.
fn not_a_model(path: &Path) -> InputError {
    let mut start = Vec::new();
    let read = disk::open(path).map(|file| file.take(64).read_to_end(&mut start).is_ok());
    if read.unwrap_or(false) && is_lfs_pointer(&start) {
        return lfs_pointer(path);
    }
    let folder = path.parent().filter(|folder| folder.join("config.json").is_file());
    let folder = folder.map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let help = match folder {
        Some(folder) => format!("name the folder of the model: -m {}", folder.display()),
        None => "name a GGUF file, or a folder with config.json, tokenizer.json and safetensors".to_owned(),
    };
    InputError::new("this file is not a GGUF model").path(path).help(help)
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo => f.write_str("demo"),
            Self::Folder(path) | Self::Gguf(path) => path.display().fmt(f),
            Self::Hub(repo) => repo.fmt(f),
        }
    }
}

impl Source {
    /// Reads the model's tokenizer and, if it has one, its chat template, but not its weights.
    ///
    /// # Errors
    /// If a file is missing or invalid.
    pub fn reader(&self, options: &LoadOptions) -> Result<(Tokenizer, Option<ChatTemplate>)> {
        let files = self.open(options)?;
        Ok((files.tokenizer, files.chat))
    }

    /// Opens the files and reads all but the weights.
    ///
    /// # Errors
    /// If a file is missing or invalid.
    pub(crate) fn open(&self, options: &LoadOptions) -> Result<Files> {
        match self {
            Self::Demo => open_demo(options),
            Self::Folder(folder) => open_folder(folder, options),
            Self::Gguf(path) => gguf::open(path, &options.device),
            Self::Hub(repo) => open_folder(&hub::resolve(repo, &options.hub()?, &options.watcher)?, options),
        }
    }
}

fn open_demo(options: &LoadOptions) -> Result<Files> {
    use crate::demo;
    Ok(Files {
        config: Config::parse(Path::new("demo/config.json"), demo::CONFIG)?,
        tokenizer: Tokenizer::parse(Path::new("demo/tokenizer.json"), demo::TOKENIZER)?,
        tokenizer_path: PathBuf::from("demo/tokenizer.json"),
        chat: None,
        weights: Weights::embedded("demo/model.safetensors", demo::WEIGHTS, &options.device)?,
        adapter: None,
    })
}

/// Opens a model in `folder`, or the model of the adapter there with the adapter.
fn open_folder(folder: &Path, options: &LoadOptions) -> Result<Files> {
    let Some(adapter) = Adapter::in_folder(folder)? else { return open_model(folder, options) };
    let files = if folder.join("config.json").is_file() {
        open_model(folder, options)?
    } else {
        let base = adapter.base()?;
        let folder = match base.parse() {
            Ok(Source::Folder(folder)) => folder,
            Ok(Source::Hub(repo)) => hub::resolve(&repo, &options.hub()?, &options.watcher)?,
            _ => return Err(adapter.base_error(format!("there is no model `{base}`")).into()),
        };
        if Adapter::in_folder(&folder)?.is_some() {
            return Err(adapter.base_error(format!("the model `{base}` has an adapter, too")).into());
        }
        open_model(&folder, options)?
    };
    Ok(Files { adapter: Some(adapter), ..files })
}

fn open_model(folder: &Path, options: &LoadOptions) -> Result<Files> {
    let read = |name: &str| -> Result<(PathBuf, Vec<u8>)> {
        let path = folder.join(name);
        if !path.exists()
            && let Some(error) = gguf::only_in(folder)
        {
            return Err(error.into());
        }
        let bytes = disk::read(&path)?;
        if is_lfs_pointer(&bytes) { Err(lfs_pointer(&path).into()) } else { Ok((path, bytes)) }
    };
    let (config_path, config) = read("config.json")?;
    let (tokenizer_path, tokenizer) = match folder.join("tokenizer.model") {
        path if path.is_file() && !folder.join("tokenizer.json").exists() => {
            (path.clone(), sentence_piece::read(&path)?)
        }
        _ => {
            let (path, bytes) = read("tokenizer.json")?;
            (path.clone(), Tokenizer::parse(&path, &bytes)?)
        }
    };
    let config = Config::parse(&config_path, &config)?;
    let (config, weights) = family::text_half(config, Weights::open(folder, &options.device)?)?;
    Ok(Files { config, tokenizer, tokenizer_path, chat: ChatTemplate::from_folder(folder)?, weights, adapter: None })
}
