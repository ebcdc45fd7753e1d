//! The file of hidden states beside a run, `hidden.safetensors`.

use std::{
    io::{self, Write},
    path::Path,
};

use safetensors::{
    SafeTensors,
    tensor::{Dtype, Metadata, TensorInfo},
};

use super::{
    files::{HIDDEN, checksum},
    open::open,
    swap,
};
use crate::{
    attribution::Split,
    disk,
    error::{InputError, Result},
    hidden::{Hidden, HiddenMeta},
    run::Run,
};

/// Names and shapes of the tensors of one split with `n` examples.
fn tensors(meta: HiddenMeta, split: Split, n: usize) -> [(String, Vec<usize>); 2] {
    let HiddenMeta { width, layers, heads, head_dim } = meta;
    let name = split.name();
    [(format!("{name}.state"), vec![n, width]), (format!("{name}.z"), vec![n, layers, heads, head_dim])]
}

/// Writes the states `S.state` `[N, d]` and the values of heads `S.z` `[N, L, H, head_dim]` of both splits.
pub(super) fn write(hidden: &Hidden, to: &mut impl Write) -> io::Result<()> {
    let mut end = 0;
    let all = Split::ALL.into_iter().flat_map(|split| tensors(hidden.meta, split, hidden.len(split)));
    let infos = all.map(|(name, shape)| {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        (name, TensorInfo { dtype: Dtype::F32, shape, data_offsets: (start, end) })
    });
    let mut header = serde_json::to_vec(&Metadata::new(None, infos.collect()).map_err(io::Error::other)?)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    to.write_all(&(header.len() as u64).to_le_bytes())?;
    to.write_all(&header)?;
    for split in Split::ALL {
        let rows = || hidden.values[split as usize].chunks_exact(hidden.meta.values());
        let parts = rows().map(|row| &row[..hidden.meta.width]).chain(rows().map(|row| &row[hidden.meta.width..]));
        for value in parts.flatten() {
            to.write_all(&value.to_le_bytes())?;
        }
    }
    Ok(())
}

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
