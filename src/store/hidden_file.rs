//! Writes the hidden states of a run, `hidden.safetensors`.

use std::io::{self, Write};

use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::{
    attribution::Split,
    hidden::{Hidden, HiddenMeta},
};

/// Names and shapes of the tensors of one split with `n` examples.
pub(super) fn tensors(meta: HiddenMeta, split: Split, n: usize) -> [(String, Vec<usize>); 2] {
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
