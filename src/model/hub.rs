//! Models by their names on the Hugging Face hub: found in its cache, or downloaded into it.

use std::path::{Path, PathBuf};

use super::weights::shard_names;
pub use crate::hub::{Download, Repo, Settings, Watcher};
use crate::{
    error::{InputError, Result},
    hub::Client,
};

const INDEX: &str = "model.safetensors.index.json";
const WEIGHTS: &str = "model.safetensors";
/// Files that a model may do without: the template of conversations stands in one of them.
const OPTIONAL: [&str; 2] = ["tokenizer_config.json", "chat_template.jinja"];

/// The folder that holds `repo`, downloaded if need be.
///
/// # Errors
/// If it is not in the cache and there is no way to fetch it.
pub fn resolve(repo: &Repo, settings: &Settings, watcher: &Watcher) -> Result<PathBuf> {
    if let Some(folder) = repo.cached(settings).filter(|folder| missing(folder).is_none()) {
        return Ok(folder);
    }
    match settings.offline {
        Some(reason) => Err(absent(repo, settings, reason).into()),
        None => fetch(repo, settings, watcher),
    }
}

fn absent(repo: &Repo, settings: &Settings, reason: &str) -> InputError {
    let problem = match repo.cached(settings).and_then(|folder| missing(&folder)) {
        Some(file) => format!("the cached copy of `{repo}` lacks {file}"),
        None => format!("`{repo}` is not in the cache"),
    };
    let cure = format!("{reason} forbids connections; fetch the model once without it, or name a local folder");
    InputError::new(problem).path(&settings.cache).cure(cure)
}

/// A file that a folder lacks to be a model.
fn missing(folder: &Path) -> Option<String> {
    let lacks = |name: &&str| !folder.join(name).is_file();
    if let Some(name) = ["config.json", "tokenizer.json"].iter().find(|name| lacks(name)) {
        return Some((*name).to_owned());
    }
    let index = folder.join(INDEX);
    if !index.is_file() {
        return lacks(&WEIGHTS).then(|| WEIGHTS.to_owned());
    }
    match shard_names(&index) {
        Ok(names) => names.into_iter().find(|name| lacks(&name.as_str())),
        Err(_) => Some(INDEX.to_owned()),
    }
}

/// Downloads the model's files and returns their folder.
fn fetch(repo: &Repo, settings: &Settings, watcher: &Watcher) -> Result<PathBuf> {
    let client = Client::new(repo, settings, watcher);
    let folder = client.snapshot("config.json")?;
    let need = |name: &str| client.need(&folder, name, "partscope needs config.json, tokenizer.json and safetensors");
    need("config.json")?;
    need("tokenizer.json")?;
    for name in OPTIONAL {
        client.file(&folder, name)?;
    }
    if client.file(&folder, INDEX)? {
        for shard in shard_names(&folder.join(INDEX))? {
            if shard.contains(['/', '\\']) {
                let problem = format!("`{shard}` is not the name of a file beside the index");
                return Err(InputError::new(problem).path(folder.join(INDEX)).field("weight_map").into());
            }
            need(&shard)?;
        }
    } else {
        need(WEIGHTS)?;
    }
    client.remember(&folder)?;
    Ok(folder)
}
