//! Models on this machine: the demo, recently used ones, those in the hub's cache, and GGUF files nearby. Only headers and
//! tokenizers are read.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{
    hub::{Settings, cached_models},
    inspect::inspect,
    source::{LoadOptions, Source},
};
use crate::error::Result;

/// Folders below a searched one that are searched too.
const DEPTH: usize = 2;

/// Most GGUF files that are listed.
const FILES: usize = 200;

/// Facts about a model from its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFacts {
    /// Architecture.
    pub family: String,
    /// Number of values in all tensors.
    pub parameters: u64,
    /// Number format of most of them.
    pub stored_as: String,
    /// Memory that loading takes with the dtype that would be chosen, in bytes, if one fits.
    pub need: Option<u64>,
    /// Free memory in bytes, if known.
    pub free: Option<u64>,
}

/// Returns the names of models, as `-m` takes them: the demo, `recent` ones, the hub's cache, and the GGUF files in the
/// current folder and beside recent models. Each is listed once.
pub fn names(recent: &[String], settings: &Settings) -> Vec<String> {
    let beside = recent.iter().filter_map(|name| Path::new(name).parent()).filter(|folder| folder.is_dir());
    let folders: BTreeSet<PathBuf> = beside.map(Path::to_owned).chain([PathBuf::from(".")]).collect();
    let mut files = Vec::new();
    for folder in folders {
        gguf_files(&folder, DEPTH, &mut files);
    }
    let mut seen = BTreeSet::new();
    let known = ["demo".to_owned()].into_iter().chain(recent.iter().cloned()).chain(cached_models(settings));
    known.chain(files).filter(|name| seen.insert(identity(name))).collect()
}

/// Returns what makes two names the same model: the resolved path of a file or folder, or the name.
fn identity(name: &str) -> String {
    fs::canonicalize(name).map_or_else(|_| name.to_owned(), |path| path.display().to_string())
}

/// Adds the GGUF files in a folder and in those below it, in alphabetical order; hidden folders are left out.
fn gguf_files(folder: &Path, depth: usize, files: &mut Vec<String>) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_gguf = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
        if files.len() >= FILES || hidden {
            continue;
        }
        if path.is_dir() && depth > 0 {
            gguf_files(&path, depth - 1, files);
        } else if is_gguf && path.is_file() {
            files.push(path.strip_prefix(".").unwrap_or(&path).display().to_string());
        }
    }
}

/// Reads the headers of a model. Nothing is downloaded.
///
/// # Errors
/// If a file is missing or invalid, or the architecture is unknown.
pub fn facts(name: &str, options: &LoadOptions) -> Result<ModelFacts> {
    let options = LoadOptions { offline: true, ..options.clone() };
    let source: Source = name.parse()?;
    let inspection = inspect(&source, &options)?;
    let chosen = inspection.memory.iter().find(|need| Some(&need.dtype) == inspection.auto.as_ref());
    let smallest = inspection.memory.iter().map(|need| need.bytes).min();
    Ok(ModelFacts {
        family: inspection.family,
        parameters: inspection.parameters,
        stored_as: inspection.stored_as,
        need: chosen.map(|need| need.bytes).or(smallest),
        free: inspection.free,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(cache: &Path) -> Settings {
        Settings { cache: cache.to_owned(), ..Settings::from_env().unwrap() }
    }

    #[test]
    fn models_are_found_once_and_only_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in
            ["models/a.gguf", "models/deep/b.GGUF", "models/.hidden/c.gguf", "models/1/2/3/d.gguf", "models/e.txt"]
        {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), "").unwrap();
        }
        let commit = "0".repeat(40);
        fs::create_dir_all(at(&format!("hub/models--org--name/snapshots/{commit}"))).unwrap();
        fs::create_dir_all(at("hub/models--org--name/refs")).unwrap();
        fs::write(at("hub/models--org--name/refs/main"), commit).unwrap();
        fs::create_dir_all(at("hub/models--org--partial")).unwrap();
        let recent = [at("models/a.gguf").display().to_string()];
        let found = names(&recent, &settings(&at("hub")));
        let b = at("models/deep/b.GGUF").display().to_string();
        assert_eq!(found[..3], ["demo".to_owned(), recent[0].clone(), "org/name".to_owned()]);
        assert!(found.contains(&b), "{found:?}");
        assert!(
            !found.iter().any(|name| name.contains("c.gguf") || name.contains("d.gguf") || name.contains("partial"))
        );
        assert_eq!(found.iter().filter(|name| name.ends_with("a.gguf")).count(), 1);
    }

    #[test]
    fn headers_tell_size_and_memory() {
        let facts = facts("demo", &LoadOptions::default()).unwrap();
        assert!(facts.parameters > 1_000_000 && facts.need.unwrap() > 1_000_000, "{facts:?}");
        assert!(super::facts("no/such-model-here", &LoadOptions::default()).is_err());
    }
}
