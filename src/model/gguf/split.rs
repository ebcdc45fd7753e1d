//! GGUF models in several files, as `llama-gguf-split` writes them: the first has the metadata, all have tensors.

use std::path::{Path, PathBuf};

use super::metadata::Metadata;
use crate::error::Result;

/// Returns the paths of the parts after the first of the model whose first file is at `metadata.path`.
///
/// # Errors
/// If the file is another part, or a part is missing.
pub(super) fn other_parts(metadata: &Metadata<'_>) -> Result<Vec<PathBuf>> {
    let (count, number) = (metadata.size("split.count").unwrap_or(1), metadata.size("split.no").unwrap_or(0));
    if count <= 1 {
        return Ok(Vec::new());
    }
    let Some(first) = part(metadata.path, (number, count), 0) else {
        let problem = format!("the name of part {} of {count} does not end in {}", number + 1, ending(number, count));
        let help = "give all parts the names that they had when they were split";
        return Err(metadata.error("split.no", problem).help(help).into());
    };
    if number > 0 {
        let problem = format!("this is part {} of a model in {count} files", number + 1);
        let help = format!("name the first part: -m {}", first.display());
        return Err(metadata.error("split.no", problem).help(help).into());
    }
    let others: Vec<PathBuf> = (1..count).filter_map(|other| part(metadata.path, (0, count), other)).collect();
    match others.iter().find(|path| !path.is_file()) {
        Some(missing) => {
            let name = missing.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let problem = format!("the model is in {count} files, and {name} is missing");
            Err(metadata.error("split.count", problem).help("fetch all files into one folder").into())
        }
        None => Ok(others),
    }
}

fn ending(number: usize, count: usize) -> String {
    format!("-{:05}-of-{count:05}.gguf", number + 1)
}

/// Returns the path of part `other`, given that of part `number` of `count`; `None` if its name is not that of a part.
fn part(path: &Path, (number, count): (usize, usize), other: usize) -> Option<PathBuf> {
    let stem = path.file_name()?.to_str()?.strip_suffix(&ending(number, count))?;
    Some(path.with_file_name(format!("{stem}{}", ending(other, count))))
}
