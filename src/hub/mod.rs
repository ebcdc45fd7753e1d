//! The Hugging Face hub: repositories of models and data sets, its cache on this machine, and downloads into it.
//!
//! A snapshot that is complete in the cache is used without a word to the network; offline means not one connection.

mod cache;
mod client;

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

pub use client::Client;

use crate::error::{Error, InputError, Result};

/// Set once by `--offline`.
static OFFLINE: AtomicBool = AtomicBool::new(false);

/// Forbids connections for the rest of the program, wherever they would be made.
pub fn go_offline() {
    OFFLINE.store(true, Ordering::Relaxed);
}

/// What a repository holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A model.
    #[default]
    Model,
    /// A data set.
    Dataset,
}

impl Kind {
    /// The first word of its folder in the cache.
    const fn folder(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => "datasets",
        }
    }

    /// What stands before its name in addresses.
    const fn address(self) -> &'static str {
        match self {
            Self::Model => "",
            Self::Dataset => "datasets/",
        }
    }

    /// In a sentence.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Dataset => "data set",
        }
    }
}

/// A repository on the hub: `org/name`, at a branch, tag or commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repo {
    kind: Kind,
    name: String,
    revision: Option<String>,
}

/// Where the hub and its cache are.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder with `models--org--name`.
    pub cache: PathBuf,
    /// `https://huggingface.co`, or a mirror.
    pub endpoint: String,
    /// Proof of access to gated and private models.
    pub token: Option<String>,
    /// What forbids connections, e.g. `HF_HUB_OFFLINE`.
    pub offline: Option<&'static str>,
}

/// How far the download of one file is.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// The file's name in the repository.
    pub file: &'a str,
    /// Bytes that have arrived.
    pub done: u64,
    /// Bytes in all, if the hub says.
    pub total: Option<u64>,
}

type See = dyn Fn(&Download<'_>) + Send + Sync;

/// Somebody who wants to see downloads.
#[derive(Clone, Default)]
pub struct Watcher(Option<Arc<See>>);

impl Watcher {
    /// Calls `see` every few megabytes.
    pub fn new(see: impl Fn(&Download<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(see)))
    }

    fn see(&self, download: &Download<'_>) {
        if let Some(see) = &self.0 {
            see(download);
        }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Watcher(..)" } else { "Watcher" })
    }
}

impl FromStr for Repo {
    type Err = InputError;

    fn from_str(text: &str) -> Result<Self, InputError> {
        let (name, revision) = text.split_once('@').map_or((text, None), |(name, revision)| (name, Some(revision)));
        let plain = |part: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            !part.is_empty() && part.chars().all(known) && !part.starts_with('.') && !part.contains("..")
        };
        let named = name.split_once('/').is_some_and(|(org, name)| plain(org) && plain(name));
        if named && revision.is_none_or(|revision| revision.split('/').all(plain)) {
            return Ok(Self { kind: Kind::Model, name: name.to_owned(), revision: revision.map(str::to_owned) });
        }
        Err(InputError::new(format!("`{text}` is not the name of a model on the hub")).cure("write org/name@revision"))
    }
}

impl fmt::Display for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.revision.as_ref().map_or(Ok(()), |revision| write!(f, "@{revision}"))
    }
}

impl Repo {
    /// The data set that `text` names: `org/name[@revision]`.
    ///
    /// # Errors
    /// If it is no such name.
    pub fn dataset(text: &str) -> Result<Self, InputError> {
        let named: Self = text
            .parse()
            .map_err(|_| InputError::new(format!("`{text}` is not the name of a data set on the hub")))
            .map_err(|error: InputError| error.cure("write org/name or org/name@revision"))?;
        Ok(Self { kind: Kind::Dataset, ..named })
    }

    /// The same at `revision`, unless another is named already.
    #[must_use]
    pub fn or_at(self, revision: &str) -> Self {
        Self { revision: self.revision.or_else(|| Some(revision.to_owned())), ..self }
    }

    fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }

    /// The folder with its files at its revision, if the cache knows it.
    pub fn cached(&self, settings: &Settings) -> Option<PathBuf> {
        cache::find(self, settings)
    }
}

impl Settings {
    /// As the environment says.
    pub fn from_env() -> Self {
        Self::read(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let path = |name: &str| variable(name).map(PathBuf::from);
        let user = || path("HOME").or_else(|| path("USERPROFILE")).unwrap_or_default();
        let caches = || path("XDG_CACHE_HOME").unwrap_or_else(|| user().join(".cache"));
        let home = path("HF_HOME").unwrap_or_else(|| caches().join("huggingface"));
        let cache = path("HF_HUB_CACHE").or_else(|| path("HUGGINGFACE_HUB_CACHE"));
        let token_file = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        let stored = || std::fs::read_to_string(token_file).ok();
        let token = variable("HF_TOKEN").or_else(stored).map(|token| token.trim().to_owned());
        let set = |name: &&str| {
            let value = variable(name).unwrap_or_default().to_ascii_lowercase();
            matches!(value.as_str(), "1" | "true" | "yes" | "on")
        };
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        Self {
            cache: cache.unwrap_or_else(|| home.join("hub")),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: token.filter(|token| !token.is_empty()),
            offline: ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].into_iter().find(set).or_else(switched_off),
        }
    }
}

fn switched_off() -> Option<&'static str> {
    OFFLINE.load(Ordering::Relaxed).then_some("--offline")
}

/// Writes a small file of the cache.
fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::read(|name| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_is_honoured() {
        let plain = settings(&[("HOME", "/h")]);
        assert_eq!(plain.cache, Path::new("/h/.cache/huggingface/hub"));
        assert_eq!((plain.endpoint.as_str(), plain.offline), ("https://huggingface.co", None));
        assert_eq!(settings(&[("XDG_CACHE_HOME", "/x")]).cache, Path::new("/x/huggingface/hub"));
        assert_eq!(settings(&[("HF_HOME", "/f"), ("XDG_CACHE_HOME", "/x")]).cache, Path::new("/f/hub"));
        assert_eq!(settings(&[("HF_HOME", "/f"), ("HF_HUB_CACHE", "/c")]).cache, Path::new("/c"));
        assert_eq!(settings(&[("HF_TOKEN", " hf_x\n")]).token.as_deref(), Some("hf_x"));
        assert_eq!(settings(&[("HF_HUB_OFFLINE", "1")]).offline, Some("HF_HUB_OFFLINE"));
        assert_eq!(settings(&[("TRANSFORMERS_OFFLINE", "YES")]).offline, Some("TRANSFORMERS_OFFLINE"));
        assert_eq!(settings(&[("HF_HUB_OFFLINE", "0")]).offline, None);
    }

    #[test]
    fn names_are_checked() {
        for good in ["HuggingFaceTB/SmolLM2-135M", "a/b@main", "a/b@refs/pr/3", "a/b@0123456789abcdef"] {
            assert_eq!(good.parse::<Repo>().unwrap().to_string(), good);
        }
        for bad in ["", "a", "a/", "/b", "a/b/c", "../b", "a/..", "a/b@", "a/b@../x", "a/b c", "a/b@x//y"] {
            assert!(bad.parse::<Repo>().is_err(), "{bad}");
        }
    }
}
