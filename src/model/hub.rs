//! Finds models of the Hugging Face hub in its cache, or downloads them into it.

use std::path::{Path, PathBuf};

use super::{gguf, weights::shard_names};
pub use crate::hub::{Download, Repo, Settings, Watcher, cached_models};
use crate::{
    error::{Error, InputError, Result},
    hub::Client,
    text::list,
};

const INDEX: &str = "model.safetensors.index.json";
const WEIGHTS: &str = "model.safetensors";
/// Optional files, including the chat template.
const OPTIONAL: [&str; 2] = ["tokenizer_config.json", "chat_template.jinja"];

/// Returns the folder of `repo`, downloading it if it is not in the cache.
///
/// # Errors
/// If the model is not in the cache and cannot be downloaded.
pub fn resolve(repo: &Repo, settings: &Settings, watcher: &Watcher) -> Result<PathBuf> {
    if let Some(folder) = repo.cached(settings).filter(|folder| missing_file(folder).is_none()) {
        return Ok(folder);
    }
    match settings.offline {
        Some(reason) => Err(not_cached(repo, settings, reason).into()),
        None => fetch(repo, settings, watcher),
    }
}

/// Creates the error for a model that is not completely in the cache while connections are forbidden by `reason`.
fn not_cached(repo: &Repo, settings: &Settings, reason: &str) -> InputError {
    if let Some(error) = repo.cached(settings).filter(|folder| lacks_config(folder)).and_then(|own| gguf::only_in(&own))
    {
        return error;
    }
    let problem = match repo.cached(settings).and_then(|folder| missing_file(&folder)) {
        Some(file) => format!("the cached copy of `{repo}` lacks {file}"),
        None => format!("`{repo}` is not in the cache"),
    };
    let help = format!("{reason} forbids connections; download the model once without it, or use a local folder");
    InputError::new(problem).path(&settings.cache).help(help)
}

fn lacks_config(folder: &Path) -> bool {
    !folder.join("config.json").is_file()
}

/// Returns `error`, or, if the repository has only GGUF files, an error that lists them.
fn or_only_gguf(error: Error, client: &Client<'_>) -> Error {
    if !client.lacks("config.json") {
        return error;
    }
    let is_gguf = |name: &String| Path::new(name).extension().is_some_and(|own| own.eq_ignore_ascii_case("gguf"));
    let files: Vec<String> = client.names().unwrap_or_default().into_iter().filter(is_gguf).collect();
    let Some(first) = files.first() else { return error };
    let help = format!("download one, such as {}, and name the file with -m", client.url(first));
    client.error(&format!("the repository has no config.json, but GGUF models: {}", list(&files))).help(help).into()
}

/// Returns the first required file that `folder` lacks.
fn missing_file(folder: &Path) -> Option<String> {
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
    let folder = client.snapshot("config.json").map_err(|error| or_only_gguf(error, &client))?;
    let need = |name: &str| client.need(&folder, name, "partscope needs config.json, tokenizer.json and safetensors");
    need("config.json")?;
    need("tokenizer.json")?;
    for name in OPTIONAL {
        client.file(&folder, name)?;
    }
    if client.file(&folder, INDEX)? {
        for shard in shard_names(&folder.join(INDEX))? {
            if shard.contains(['/', '\\']) {
                let problem = format!("`{shard}` is not the name of a file next to the index");
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
