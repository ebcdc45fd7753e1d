//! Writes the tables of a run to `attribution.safetensors` without copying them, since a run may fill the memory.

use std::io::{self, Write};

use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::{
    attribution::{Attribution, Split},
    component::Shape,
};

/// Headers are padded with spaces to a multiple of this many bytes.
const ALIGNMENT: usize = 8;

/// Writes `tables` to `to`, with tensors in the order of the `safetensors` crate: labels first, then by name.
pub(super) fn write(tables: &[(Split, &Attribution)], to: &mut impl Write) -> io::Result<()> {
    let mut tensors: Vec<Stored<'_>> = tables.iter().flat_map(|&(split, table)| stored(split, table)).collect();
    tensors.sort_by(|a, b| b.numbers.dtype().cmp(&a.numbers.dtype()).then_with(|| a.name.cmp(&b.name)));
    let header = header(&tensors)?;
    to.write_all(&(header.len() as u64).to_le_bytes())?;
    to.write_all(&header)?;
    tensors.iter().try_for_each(|tensor| tensor.numbers.write(to))
}

fn header(tensors: &[Stored<'_>]) -> io::Result<Vec<u8>> {
    let mut end = 0;
    let info = |Stored { name, shape, numbers }: &Stored<'_>| {
        let start = end;
        end += numbers.bytes();
        (name.clone(), TensorInfo { dtype: numbers.dtype(), shape: shape.clone(), data_offsets: (start, end) })
    };
    let infos = tensors.iter().map(info).collect();
    let mut header = serde_json::to_vec(&Metadata::new(None, infos).map_err(io::Error::other)?)?;
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    Ok(header)
}

/// One tensor of the file.
struct Stored<'a> {
    name: String,
    shape: Vec<usize>,
    numbers: Numbers<'a>,
}

fn stored(split: Split, table: &Attribution) -> [Stored<'_>; 5] {
    let (words, n) = (table.words(), table.len());
    let Shape { layers, heads, labels } = words.shape();
    [
        ("heads", vec![layers, heads, n, labels], Numbers::Floats(words.parts(false))),
        ("mlps", vec![layers, n, labels], Numbers::Floats(words.parts(true))),
        ("rest", vec![n, labels], Numbers::Floats(vec![words.rest()])),
        ("full", vec![n, labels], Numbers::Floats(vec![words.full()])),
        ("labels", vec![n], Numbers::Labels(table.gold())),
    ]
    .map(|(name, shape, numbers)| Stored { name: format!("{}.{name}", split.name()), shape, numbers })
}

enum Numbers<'a> {
    Floats(Vec<&'a [f32]>),
    Labels(&'a [usize]),
}

impl Numbers<'_> {
    const fn dtype(&self) -> Dtype {
        match self {
            Numbers::Floats(_) => Dtype::F32,
            Numbers::Labels(_) => Dtype::I64,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Numbers::Floats(parts) => parts.iter().map(|part| size_of_val(*part)).sum(),
            Numbers::Labels(labels) => labels.len() * size_of::<i64>(),
        }
    }

    fn write(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            Numbers::Floats(parts) => {
                parts.iter().copied().flatten().try_for_each(|value| to.write_all(&value.to_le_bytes()))
            }
            Numbers::Labels(labels) => labels.iter().try_for_each(|&label| to.write_all(&(label as i64).to_le_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    use safetensors::{serialize, tensor::TensorView};

    use super::*;
    use crate::attribution::Batch;

    fn table(examples: usize) -> Attribution {
        let shape = Shape { layers: 2, heads: 3, labels: 3 };
        let values = |rows: usize| (0..rows * 3).map(|i| i as f32 / 7.0 - 2.0).collect::<Vec<f32>>();
        let components = values(shape.components() * examples);
        let batch = Batch { examples, components, rest: values(examples), full: values(examples) };
        Attribution::complete(shape, None, (0..examples).map(|i| i % 3).collect(), batch)
    }

    #[test]
    fn files_equal_those_of_the_safetensors_crate() {
        let (train, test) = (table(5), table(70));
        let tables = [(Split::Train, &train), (Split::Test, &test)];
        let mut written = Vec::new();
        write(&tables, &mut written).unwrap();
        let all: Vec<Stored<'_>> = tables.iter().flat_map(|&(split, table)| stored(split, table)).collect();
        let bytes = |numbers: &Numbers<'_>| {
            let mut bytes = Vec::new();
            numbers.write(&mut bytes).unwrap();
            bytes
        };
        let data: Vec<Vec<u8>> = all.iter().map(|tensor| bytes(&tensor.numbers)).collect();
        let view = |(tensor, data): (&Stored<'_>, _)| {
            (tensor.name.clone(), TensorView::new(tensor.numbers.dtype(), tensor.shape.clone(), data).unwrap())
        };
        let views: Vec<_> = all.iter().zip(data.iter().map(Vec::as_slice)).map(view).collect();
        assert_eq!(written, serialize(views, None).unwrap());
    }
}
