//! Where a model comes from.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use candle_core::Device;

use super::{family::Config, tokenizer::Tokenizer, weights::Weights};
use crate::error::{Error, Result};

/// What `-m` names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The model that is part of the program.
    #[default]
    Demo,
    /// A folder in the Hugging Face layout.
    Folder(PathBuf),
}

/// How a model is loaded.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Where the weights go.
    pub device: Device,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { device: Device::Cpu }
    }
}

/// The files of a model, opened.
pub(super) struct Files {
    pub(super) config: Config,
    pub(super) tokenizer: Tokenizer,
    pub(super) weights: Weights,
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "demo" => Ok(Self::Demo),
            path if Path::new(path).is_dir() => Ok(Self::Folder(PathBuf::from(path))),
            given => Err(Error::Unknown {
                what: "model",
                given: given.to_owned(),
                known: vec![
                    "demo".to_owned(),
                    "any folder with config.json, tokenizer.json and safetensors".to_owned(),
                ],
            }),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demo => f.write_str("demo"),
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

impl Source {
    pub(super) fn open(&self, options: &LoadOptions) -> Result<Files> {
        match self {
            Self::Demo => open_demo(options),
            Self::Folder(folder) => open_folder(folder, options),
        }
    }
}

fn open_demo(options: &LoadOptions) -> Result<Files> {
    use crate::demo;
    Ok(Files {
        config: Config::parse(Path::new("demo/config.json"), demo::CONFIG)?,
        tokenizer: Tokenizer::parse(Path::new("demo/tokenizer.json"), demo::TOKENIZER)?,
        weights: Weights::embedded("demo/model.safetensors", demo::WEIGHTS, &options.device)?,
    })
}

fn open_folder(folder: &Path, options: &LoadOptions) -> Result<Files> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).map(|bytes| (path.clone(), bytes)).map_err(|source| Error::Read { path, source })
    };
    let (config_path, config) = read("config.json")?;
    let (tokenizer_path, tokenizer) = read("tokenizer.json")?;
    Ok(Files {
        config: Config::parse(&config_path, &config)?,
        tokenizer: Tokenizer::parse(&tokenizer_path, &tokenizer)?,
        weights: Weights::open(folder, &options.device)?,
    })
}
