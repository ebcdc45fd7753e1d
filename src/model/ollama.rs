//! Models of Ollama on this machine: a manifest per name and tag, and a GGUF file among the blobs.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{
    disk,
    error::{InputError, Result},
    text::list,
};

/// Prefix of names of Ollama models in `-m`.
pub(super) const PREFIX: &str = "ollama:";
/// Type of the layer with the model's GGUF file.
const MODEL: &str = "application/vnd.ollama.image.model";
/// Registry and name space of models without one.
const REGISTRY: &str = "registry.ollama.ai";
const LIBRARY: &str = "library";

/// Returns the GGUF file of the model `name`, as `NAME[:TAG]` or `SPACE/NAME[:TAG]`, in the folder that Ollama uses:
/// `OLLAMA_MODELS` or `~/.ollama/models`.
///
/// # Errors
/// If there is no such model, or its manifest is not valid.
pub(super) fn resolve(name: &str) -> Result<PathBuf> {
    let own = std::env::var_os("OLLAMA_MODELS").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(".ollama/models"));
    let Some(root) = own.or_else(home) else {
        return Err(InputError::new("there is no home folder").field("-m").help("set OLLAMA_MODELS").into());
    };
    find(&root, name)
}

/// As [`resolve`], in the folder `root`.
fn find(root: &Path, name: &str) -> Result<PathBuf> {
    let (model, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
    let (space, model) = model.rsplit_once('/').unwrap_or((LIBRARY, model));
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['/', '\\', ':']);
    if ![space, model, tag].into_iter().all(plain) {
        let problem = format!("`{name}` is not the name of a model of Ollama");
        return Err(InputError::new(problem).field("-m").help("write ollama:NAME or ollama:NAME:TAG").into());
    }
    let folder = root.join("manifests").join(REGISTRY).join(space).join(model);
    let manifest = folder.join(tag);
    if !manifest.is_file() {
        let problem = format!("Ollama has no model `{name}`");
        let tags = std::fs::read_dir(&folder).into_iter().flatten();
        let mut tags: Vec<String> =
            tags.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
        tags.sort();
        let help = if tags.is_empty() {
            format!("fetch it with: ollama pull {name}")
        } else {
            format!("its tags here: {}", list(tags.iter().map(String::as_str)))
        };
        return Err(InputError::new(problem).path(root).field("-m").help(help).into());
    }
    let bytes = disk::read(&manifest)?;
    let invalid = |problem: String| InputError::new(problem).path(&manifest);
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()).line(error.line()))?;
    let layers = value.get("layers").and_then(Value::as_array);
    let layer =
        layers.into_iter().flatten().find(|layer| layer.get("mediaType").and_then(Value::as_str) == Some(MODEL));
    let digest = layer.and_then(|layer| layer.get("digest")).and_then(Value::as_str);
    let hash = digest.and_then(|digest| digest.strip_prefix("sha256:"));
    match hash.filter(|hash| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Some(hash) => Ok(root.join("blobs").join(format!("sha256-{hash}"))),
        None => Err(invalid("the manifest names no model file".to_owned()).field("layers").into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_are_looked_up_in_manifests() {
        let root = tempfile::tempdir().unwrap();
        let write = |space: &str, model: &str, tag: &str, text: &str| {
            let folder = root.path().join("manifests").join(REGISTRY).join(space).join(model);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(tag), text).unwrap();
        };
        let hash = "ab".repeat(32);
        let manifest = format!(
            r#"{{"layers": [{{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:00"}},
                {{"mediaType": "{MODEL}", "digest": "sha256:{hash}"}}]}}"#
        );
        write(LIBRARY, "llama3.2", "latest", &manifest);
        write("someone", "tiny", "q8", &manifest);
        write(LIBRARY, "odd", "latest", r#"{"layers": [{"mediaType": "x", "digest": "sha256:../../etc"}]}"#);
        let blob = root.path().join("blobs").join(format!("sha256-{hash}"));
        assert_eq!(find(root.path(), "llama3.2").unwrap(), blob);
        assert_eq!(find(root.path(), "someone/tiny:q8").unwrap(), blob);
        for (name, expected) in [
            ("llama3.2:1b", "its tags here: latest"),
            ("llama9", "ollama pull llama9"),
            ("odd", "names no model file"),
            ("../x", "is not the name"),
            ("..:y", "is not the name"),
        ] {
            let message = find(root.path(), name).unwrap_err().to_string();
            assert!(message.contains(expected), "{name}: {message}");
        }
    }
}
