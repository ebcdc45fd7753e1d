//! Reads the index of a `pytorch_model.bin`: an archive (zip) with a pickle that describes tensors and a file of values for
//! each storage.
//!
//! candle-core has a reader, too. This one differs in what it refuses: names that are no part of a tensor, values that
//! grow with each copy, sizes that the file does not hold. The values themselves are read as from any other file.

mod machine;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, fs::File, io::Read};

use machine::{MAX_PROGRAM, PickledTensor};
use zip::{CompressionMethod, ZipArchive};

use super::{Numbers, Stored, shard::Shard};
use crate::{
    catch_panic,
    error::{Error, InputError, Result},
    model::blocks::BlockType,
};

/// Reads the index of `shard`, file `number` of the checkpoint.
///
/// # Errors
/// If it is no archive of PyTorch, its pickle is more than a dictionary of tensors, or a tensor lies outside of its
/// storage or is not contiguous.
pub(super) fn index(shard: &Shard, number: usize) -> Result<Vec<(String, Stored)>> {
    let archive = match catch_panic::catch(|| Archive::open(shard)) {
        Ok(archive) => archive?,
        Err(problem) => return Err(unreadable(shard, &problem)),
    };
    let tensors = machine::run(&archive.program).map_err(|problem| {
        let problem = format!("partscope reads pickles of tensors and nothing else: {problem}");
        Error::from(InputError::new(problem).path(shard.path()).help(again(shard)))
    })?;
    let stored = |(name, tensor): (String, PickledTensor)| match archive.stored(&tensor, number) {
        Ok(stored) => Ok((name, stored)),
        Err(problem) => Err(shard.error(&name, problem).help(again(shard)).into()),
    };
    tensors.into_iter().map(stored).collect()
}

/// Where the values of every storage are, and the pickle.
struct Archive {
    program: Vec<u8>,
    /// Offset in the file and length in bytes of every storage, by key.
    storages: HashMap<String, (u64, u64)>,
}

impl Archive {
    fn open(shard: &Shard) -> Result<Self> {
        let failed = |error: zip::result::ZipError| unreadable(shard, &error.to_string());
        let file = File::open(shard.path()).map_err(|source| Error::Read { path: shard.path().to_owned(), source })?;
        let mut zip = ZipArchive::new(file).map_err(failed)?;
        let names: Vec<String> = (0..zip.len())
            .filter_map(|at| zip.name_for_index(at).and_then(std::result::Result::ok).map(std::borrow::Cow::into_owned))
            .collect();
        let is_program = |name: &&String| name.split_once('/').is_some_and(|(_, rest)| rest == "data.pkl");
        let Some(program) = names.iter().find(is_program) else {
            return Err(unreadable(shard, "it has no data.pkl"));
        };
        let root = program.trim_end_matches("data.pkl");
        let mut storages = HashMap::new();
        for (at, name) in names.iter().enumerate() {
            let Some(key) = name.strip_prefix(root).and_then(|name| name.strip_prefix("data/")) else { continue };
            let entry = zip.by_index(at).map_err(failed)?;
            let start = entry.data_start().filter(|_| entry.compression() == CompressionMethod::Stored);
            let Some(start) = start else { return Err(unreadable(shard, &format!("{name} is compressed"))) };
            storages.insert(key.to_owned(), (start, entry.size()));
        }
        if names.contains(&format!("{root}byteorder"))
            && read(&mut zip, &format!("{root}byteorder"), shard)? != b"little"
        {
            return Err(unreadable(shard, "its numbers are big-endian"));
        }
        let program = read(&mut zip, program, shard)?;
        Ok(Self { program, storages })
    }

    /// Returns where the values of `tensor` are.
    fn stored(&self, tensor: &PickledTensor, shard: usize) -> std::result::Result<Stored, String> {
        let (numbers, width) = match tensor.storage.class {
            "FloatStorage" => (Numbers::F32, 4),
            "HalfStorage" => (Numbers::Blocks(BlockType::F16), 2),
            "BFloat16Storage" => (Numbers::Blocks(BlockType::BF16), 2),
            "DoubleStorage" | "LongStorage" => (Numbers::Other(64), 8),
            "IntStorage" => (Numbers::Other(32), 4),
            "ShortStorage" => (Numbers::Other(16), 2),
            _ => (Numbers::Other(8), 1),
        };
        let key = &tensor.storage.key;
        let &(start, size) = self.storages.get(key).ok_or_else(|| format!("the archive has no file data/{key}"))?;
        if !is_contiguous(&tensor.shape, &tensor.strides) {
            return Err(format!("its rows are not one after the other (strides {:?})", tensor.strides));
        }
        let length = tensor.shape.iter().try_fold(width, |product: usize, &size| product.checked_mul(size));
        let from = tensor.offset.checked_mul(width as u64);
        let inside = |(from, length): (u64, usize)| from.checked_add(length as u64).is_some_and(|end| end <= size);
        let Some((from, length)) = from.zip(length).filter(|place| inside(*place)) else {
            let (offset, shape) = (tensor.offset, &tensor.shape);
            return Err(format!("the shape {shape:?} from value {offset} on does not fit into {size} bytes"));
        };
        Ok(Stored::new(start + from, length, tensor.shape.clone(), numbers).in_file(shard))
    }
}

/// Reads a small file of the archive.
fn read(zip: &mut ZipArchive<File>, name: &str, shard: &Shard) -> Result<Vec<u8>> {
    let failed = |problem: &str| unreadable(shard, &format!("{name}: {problem}"));
    let entry = zip.by_name(name).map_err(|error| failed(&error.to_string()))?;
    let mut bytes = Vec::new();
    entry.take(MAX_PROGRAM as u64 + 1).read_to_end(&mut bytes).map_err(|error| failed(&error.to_string()))?;
    if bytes.len() > MAX_PROGRAM { Err(failed(&format!("longer than {MAX_PROGRAM} bytes"))) } else { Ok(bytes) }
}

/// Returns whether the values of a tensor are one after the other, the last dimension first.
fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1_usize;
    let mut agrees = |(&size, &stride): (&usize, &usize)| {
        let agrees = size <= 1 || stride == expected;
        expected = expected.saturating_mul(size.max(1));
        agrees
    };
    shape.len() == strides.len() && shape.iter().zip(strides).rev().all(&mut agrees)
}

fn unreadable(shard: &Shard, problem: &str) -> Error {
    let is_old = shard.read_at(0, 3).is_ok_and(|start| start == [0x80, 2, 0x8a]);
    let problem = if is_old {
        "the file is of a PyTorch before 1.6".to_owned()
    } else {
        format!("this is no archive of PyTorch: {problem}")
    };
    InputError::new(problem).path(shard.path()).help(again(shard)).into()
}

/// Advice to write the file again with PyTorch, which loads tensors alone.
fn again(shard: &Shard) -> String {
    let path = shard.path().display();
    format!(
        "write its tensors again: python -c \"import torch; p = '{path}'; t = torch.load(p, \
         weights_only=True); torch.save({{k: v.contiguous() for k, v in t.items()}}, p)\""
    )
}
