//! Writes the tables of a run to `attribution.safetensors` without copying them, since a run may fill the memory.

use std::io::{self, Write};

use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::{
    attribution::{Attribution, Split},
    component::Shape,
};

/// Headers are padded with spaces to a multiple of this many bytes.
const ALIGNMENT: usize = 8;

/// The tensor with the inner products of the label rows, `[W, W]`.
pub(super) const LABEL_GRAM: &str = "label_gram";

/// Writes `tables` to `to`, with tensors in the order of the `safetensors` crate: labels first, then by name.
pub(super) fn write(tables: &[(Split, &Attribution)], to: &mut impl Write) -> io::Result<()> {
    let mut tensors = all(tables);
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

/// Returns all tensors; those that runs of older versions lack only if every table has them.
fn all<'a>(tables: &[(Split, &'a Attribution)]) -> Vec<Stored<'a>> {
    let mut tensors: Vec<Stored<'a>> = tables.iter().flat_map(|&(split, table)| stored(split, table)).collect();
    tensors.extend(
        tables.iter().map(|&(split, table)| norms(split, table)).collect::<Option<Vec<_>>>().unwrap_or_default(),
    );
    let grams: Option<Vec<&[f64]>> = tables.iter().map(|(_, table)| table.label_gram()).collect();
    if let Some(gram) = grams.as_deref().and_then(<[_]>::first) {
        let words = tables[0].1.words().shape().labels;
        tensors.push(Stored {
            name: LABEL_GRAM.to_owned(),
            shape: vec![words, words],
            numbers: Numbers::Doubles(gram),
        });
    }
    tensors
}

/// Returns the squared norms of component outputs, `[L, H + 1, N]`, the MLP last.
fn norms(split: Split, table: &Attribution) -> Option<Stored<'_>> {
    let Shape { layers, heads, .. } = table.shape();
    let parts: Option<Vec<&[f32]>> = (0..table.shape().components()).map(|index| table.output_norms(index)).collect();
    let (name, shape) = (format!("{}.norms", split.name()), vec![layers, heads + 1, table.len()]);
    Some(Stored { name, shape, numbers: Numbers::Floats(parts?) })
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
    Doubles(&'a [f64]),
    Labels(&'a [usize]),
}

impl Numbers<'_> {
    const fn dtype(&self) -> Dtype {
        match self {
            Numbers::Floats(_) => Dtype::F32,
            Numbers::Doubles(_) => Dtype::F64,
            Numbers::Labels(_) => Dtype::I64,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Numbers::Floats(parts) => parts.iter().map(|part| size_of_val(*part)).sum(),
            Numbers::Doubles(values) => size_of_val(*values),
            Numbers::Labels(labels) => labels.len() * size_of::<i64>(),
        }
    }

    fn write(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            Numbers::Floats(parts) => {
                parts.iter().copied().flatten().try_for_each(|value| to.write_all(&value.to_le_bytes()))
            }
            Numbers::Doubles(values) => values.iter().try_for_each(|value| to.write_all(&value.to_le_bytes())),
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
        let norms = (0..shape.components() * examples).map(|i| i as f32 / 5.0).collect();
        let batch = Batch { examples, components, rest: values(examples), full: values(examples), norms };
        let gram = (0..9).map(|i| 1.0 / f64::from(i + 1)).collect();
        let gold = (0..examples).map(|i| i % 3).collect();
        Attribution::complete(shape, None, gold, batch).with_label_gram(Some(gram))
    }

    #[test]
    fn files_equal_those_of_the_safetensors_crate() {
        let (train, test) = (table(5), table(70));
        let tables = [(Split::Train, &train), (Split::Test, &test)];
        let mut written = Vec::new();
        write(&tables, &mut written).unwrap();
        let all = all(&tables);
        assert_eq!(all.len(), 13, "seven tensors of each split but one that they share");
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
