//! The files of a checkpoint in a folder of the Hugging Face layout.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    data_memory::check_json,
    disk,
    error::{InputError, Result},
};

/// Names of a file with all weights and of an index of several files, for each format, the preferred one first.
pub(crate) const LAYOUTS: [(&str, &str); 2] =
    [("model.safetensors", "model.safetensors.index.json"), ("pytorch_model.bin", "pytorch_model.bin.index.json")];

/// Returns the paths of the checkpoint's files in `folder`.
///
/// # Errors
/// If there are none, or the index names a file that is missing.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    for (single, index) in LAYOUTS.map(|(single, index)| (folder.join(single), folder.join(index))) {
        if index.exists() {
            return shards(&index)?.into_iter().map(|name| shard_path(folder, &index, &name)).collect();
        }
        if single.exists() {
            return Ok(vec![single]);
        }
    }
    let [(first, _), (second, _)] = LAYOUTS;
    let problem = format!("the folder has neither {first} nor {second}, nor an index of several files");
    let help = "use a folder in the Hugging Face layout: config.json, tokenizer.json and safetensors";
    Err(InputError::new(problem).path(folder).help(help).into())
}

/// Reads the names of the files listed in an index.
pub(crate) fn shards(index: &Path) -> Result<BTreeSet<String>> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let text = disk::read(index)?;
    check_json(&text).map_err(|error| error.path(index))?;
    let parsed: Index = serde_json::from_slice(&text)
        .map_err(|error| InputError::new(error.to_string()).path(index).line(error.line()).field("weight_map"))?;
    Ok(parsed.weight_map.into_values().collect())
}

fn shard_path(folder: &Path, index: &Path, name: &str) -> Result<PathBuf> {
    let bad_index = |problem: String| InputError::new(problem).path(index).field("weight_map");
    if Path::new(name).file_name().is_none_or(|file| file != name) {
        return Err(bad_index(format!("`{name}` is not the name of a file next to the index")).into());
    }
    let path = folder.join(name);
    if path.is_file() {
        return Ok(path);
    }
    Err(bad_index(format!("the shard `{name}` is missing")).help("fetch the whole checkpoint").into())
}
