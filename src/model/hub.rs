//! Finds models of the Hugging Face hub in its cache, or downloads them into it.

use std::path::{Path, PathBuf};

use super::{
    adapter::{MATRICES, SETTINGS},
    gguf,
    weights::{LAYOUTS, shard_names},
};
pub use crate::hub::{Download, Repo, Settings, Watcher, cached_models};
use crate::{
    error::{Error, InputError, Result},
    hub::Client,
    text::list,
};

const HELP: &str = "partscope needs config.json, tokenizer.json and safetensors or pytorch_model.bin";
/// Files with a tokenizer, the preferred one first.
const TOKENIZERS: [&str; 2] = ["tokenizer.json", "tokenizer.model"];
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

/// Returns `error` about a missing config.json, or, if the repository has only GGUF files, an error that lists them.
fn or_only_gguf(error: Error, client: &Client<'_>) -> Error {
    let is_gguf = |name: &String| Path::new(name).extension().is_some_and(|own| own.eq_ignore_ascii_case("gguf"));
    let files: Vec<String> = client.names().unwrap_or_default().into_iter().filter(is_gguf).collect();
    let Some(first) = files.first() else { return error };
    let help = format!("download one, such as {}, and name the file with -m", client.url(first));
    client.error(&format!("the repository has no config.json, but GGUF models: {}", list(&files))).help(help).into()
}

/// Returns the first required file that `folder` lacks.
fn missing_file(folder: &Path) -> Option<String> {
    let lacks = |name: &&str| !folder.join(name).is_file();
    if !lacks(&SETTINGS) && MATRICES.iter().all(&lacks) {
        return Some(MATRICES[0].to_owned());
    }
    if !lacks(&SETTINGS) && lacks(&"config.json") {
        return None;
    }
    if lacks(&"config.json") {
        return Some("config.json".to_owned());
    }
    if TOKENIZERS.iter().all(&lacks) {
        return Some(TOKENIZERS[0].to_owned());
    }
    for (single, index) in LAYOUTS {
        if folder.join(index).is_file() {
            return match shard_names(&folder.join(index)) {
                Ok(names) => names.into_iter().find(|name| lacks(&name.as_str())),
                Err(_) => Some(index.to_owned()),
            };
        }
        if !lacks(&single) {
            return None;
        }
    }
    Some(LAYOUTS[0].0.to_owned())
}

/// Downloads the model's files and returns their folder.
fn fetch(repo: &Repo, settings: &Settings, watcher: &Watcher) -> Result<PathBuf> {
    let client = Client::new(repo, settings, watcher);
    let folder = match client.snapshot("config.json") {
        Err(error) if client.lacks("config.json") => match client.find_snapshot(SETTINGS)? {
            Some(folder) => {
                fetch_adapter(&client, &folder)?;
                client.remember(&folder)?;
                return Ok(folder);
            }
            None => return Err(or_only_gguf(error, &client)),
        },
        found => found?,
    };
    client.need(&folder, "config.json", HELP)?;
    if !client.file(&folder, TOKENIZERS[0])? && !client.file(&folder, TOKENIZERS[1])? {
        client.need(&folder, TOKENIZERS[0], HELP)?;
    }
    for name in OPTIONAL {
        client.file(&folder, name)?;
    }
    fetch_weights(&client, &folder)?;
    if client.file(&folder, SETTINGS)? {
        fetch_adapter(&client, &folder)?;
    }
    client.remember(&folder)?;
    Ok(folder)
}

/// Downloads the weights into `folder`: safetensors if there are any, else pickles of PyTorch.
fn fetch_weights(client: &Client<'_>, folder: &Path) -> Result<()> {
    for (single, index) in LAYOUTS {
        if client.file(folder, index)? {
            return shard_names(&folder.join(index))?.iter().try_for_each(|shard| {
                if shard.contains(['/', '\\']) {
                    let problem = format!("`{shard}` is not the name of a file next to the index");
                    return Err(InputError::new(problem).path(folder.join(index)).field("weight_map").into());
                }
                client.need(folder, shard, HELP)
            });
        }
        if client.file(folder, single)? {
            return Ok(());
        }
    }
    client.need(folder, LAYOUTS[0].0, HELP)
}

/// Downloads an adapter into `folder`.
fn fetch_adapter(client: &Client<'_>, folder: &Path) -> Result<()> {
    client.need(folder, SETTINGS, HELP)?;
    for name in MATRICES {
        if client.file(folder, name)? {
            return Ok(());
        }
    }
    client.need(folder, MATRICES[0], "an adapter needs its matrices")
}
