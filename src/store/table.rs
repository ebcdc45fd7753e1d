//! The tables of a run as `attribution.safetensors`, written tensor by tensor: a run may be as large as memory allows, and is
//! not copied to be saved.

use std::{borrow::Cow, io, path::Path};

use safetensors::{
    SafeTensorError, serialize_to_file,
    tensor::{Dtype, View},
};

use crate::{attribution::Split, component::Shape, run::Run};

/// Writes both tables of `run` to `path`.
pub(super) fn write(run: &Run, path: &Path) -> io::Result<()> {
    let mut tensors = Vec::new();
    for split in Split::ALL {
        let table = run.split(split);
        let Shape { layers, heads, labels } = table.shape();
        let n = table.len();
        for (name, shape, numbers) in [
            ("heads", vec![layers, heads, n, labels], Numbers::Floats(table.parts(false))),
            ("mlps", vec![layers, n, labels], Numbers::Floats(table.parts(true))),
            ("rest", vec![n, labels], Numbers::Floats(vec![table.rest()])),
            ("full", vec![n, labels], Numbers::Floats(vec![table.full()])),
            ("labels", vec![n], Numbers::Labels(table.gold())),
        ] {
            tensors.push((format!("{}.{name}", split.name()), Stored { shape, numbers }));
        }
    }
    serialize_to_file(tensors, None, path).map_err(|error| match error {
        SafeTensorError::IoError(error) => error,
        other => io::Error::other(other),
    })
}

/// One tensor.
struct Stored<'a> {
    shape: Vec<usize>,
    numbers: Numbers<'a>,
}

enum Numbers<'a> {
    Floats(Vec<&'a [f32]>),
    Labels(&'a [usize]),
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        match self.numbers {
            Numbers::Floats(_) => Dtype::F32,
            Numbers::Labels(_) => Dtype::I64,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.data_len());
        match &self.numbers {
            Numbers::Floats(parts) => {
                for value in parts.iter().copied().flatten() {
                    bytes.extend(value.to_le_bytes());
                }
            }
            Numbers::Labels(labels) => {
                for &label in *labels {
                    bytes.extend((label as i64).to_le_bytes());
                }
            }
        }
        bytes.into()
    }

    fn data_len(&self) -> usize {
        match &self.numbers {
            Numbers::Floats(parts) => parts.iter().map(|part| size_of_val(*part)).sum(),
            Numbers::Labels(labels) => labels.len() * size_of::<i64>(),
        }
    }
}
