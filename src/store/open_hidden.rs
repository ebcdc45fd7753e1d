//! Reads a run with its hidden states.

use std::path::Path;

use safetensors::{SafeTensors, tensor::Dtype};

use super::{
    files::{HIDDEN, checksum},
    hidden_file::tensors,
    open::open,
    swap,
};
use crate::{
    attribution::Split,
    disk,
    error::{InputError, Result},
    hidden::Hidden,
    run::Run,
};

/// Reads the run in `folder` as [`open`] does, with its hidden states if it has them.
///
/// # Errors
/// As [`open`], or if `hidden.safetensors` is missing, has changed, or does not belong to the run.
pub fn open_with_hidden(folder: &Path) -> Result<Run> {
    let mut run = open(folder)?;
    let Some(meta) = run.meta.hidden else { return Ok(run) };
    let path = swap::current(folder, HIDDEN);
    let wrong = |problem: String| {
        InputError::new(problem).path(&path).help("write the run again with `partscope run --with-hidden -o`")
    };
    let bytes = disk::read(&path)?;
    if run.meta.file_checksums.get(HIDDEN).is_some_and(|expected| checksum(&bytes) != *expected) {
        return Err(wrong("the file has changed since it was written (its checksum differs)".to_owned()).into());
    }
    let stored = SafeTensors::deserialize(&bytes).map_err(|error| wrong(format!("not hidden states: {error}")))?;
    let read = |split: Split| -> Result<Vec<f32>> {
        let n = run.split(split).len();
        let mut parts = Vec::new();
        for (name, shape) in tensors(meta, split, n) {
            let view = stored.tensor(&name).map_err(|error| wrong(format!("`{name}`: {error}")))?;
            if view.dtype() != Dtype::F32 || view.shape() != shape {
                let problem = format!("`{name}` is {:?} {:?}, not F32 {shape:?}", view.dtype(), view.shape());
                return Err(wrong(problem).into());
            }
            let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            parts.push(values.collect::<Vec<f32>>());
        }
        if parts.iter().flatten().any(|value| !value.is_finite()) {
            return Err(wrong(format!("`{}` has values that are not finite", split.name())).into());
        }
        let mut rows = Vec::with_capacity(n * meta.values());
        for row in 0..n {
            for part in &parts {
                let size = part.len() / n;
                rows.extend_from_slice(&part[row * size..(row + 1) * size]);
            }
        }
        Ok(rows)
    };
    run.hidden = Some(Hidden { meta, values: [read(Split::Train)?, read(Split::Test)?] });
    Ok(run)
}
