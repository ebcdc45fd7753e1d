//! Reads and validates the header of a GGUF file (version 2 or 3).
//!
//! candle's own reader panics or reads out of bounds on crafted headers, so it is not used.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use super::type_name::type_name;
use crate::{
    disk::{self, is_lfs_pointer, lfs_pointer},
    error::{Error, InputError, Result},
    model::{
        blocks::BlockType,
        weights::{Numbers, Stored},
    },
};

/// The first bytes of every GGUF file.
const MAGIC: [u8; 4] = *b"GGUF";

/// Limit on the values in all metadata arrays together; bounds the memory that a crafted file can claim.
const MAX_VALUES: u64 = 1 << 23;
const MAX_DIMS: u32 = 4;
const MAX_ARRAY_DEPTH: u32 = 2;

/// A metadata value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Flag(bool),
    Text(String),
    List(Vec<Value>),
}

/// Metadata and tensors, under their names in the file.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) metadata: BTreeMap<String, Value>,
    pub(crate) tensors: Vec<(String, Stored)>,
}

struct Reader<'a> {
    path: &'a Path,
    file: BufReader<File>,
    at: u64,
    length: u64,
    values: u64,
}

/// Returns whether the file at `path` begins like a GGUF file; its name does not matter.
pub(crate) fn is_gguf(path: &Path) -> bool {
    let mut magic = [0; 4];
    path.is_file() && File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == MAGIC
}

/// Reads the header of the file at `path`.
pub(crate) fn read(path: &Path) -> Result<Header> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let file = disk::open(path)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let mut reader = Reader { path, file: BufReader::new(file), at: 0, length, values: 0 };
    reader.header()
}

impl Reader<'_> {
    fn header(&mut self) -> Result<Header> {
        if self.bytes::<4>("magic")? != MAGIC {
            let mut start = [0; 64];
            let read = File::open(self.path).and_then(|mut file| file.read(&mut start)).unwrap_or(0);
            if is_lfs_pointer(&start[..read]) {
                return Err(lfs_pointer(self.path).into());
            }
            let help = "name a GGUF file, or the folder of a model in the Hugging Face layout";
            return Err(self.error("magic", "this is not a GGUF file").help(help).into());
        }
        let version = self.u32("version")?;
        if !(2..=3).contains(&version) {
            let problem = if version.swap_bytes() <= 3 {
                "big-endian files are not supported".to_owned()
            } else {
                format!("GGUF version {version} is not supported")
            };
            return Err(self.error("version", problem).help("convert the model again with llama.cpp").into());
        }
        let (tensors, pairs) = (self.count("tensor_count", 24)?, self.count("metadata_kv_count", 13)?);
        let mut metadata = BTreeMap::new();
        for _ in 0..pairs {
            let key = self.text("metadata")?;
            let kind = self.u32(&key)?;
            let value = self.value(&key, kind, 0)?;
            metadata.insert(key, value);
        }
        let alignment = self.alignment(&metadata)?;
        let infos = (0..tensors).map(|_| self.tensor()).collect::<Result<Vec<_>>>()?;
        let start = self.at.next_multiple_of(alignment);
        Ok(Header { metadata, tensors: self.place(infos, start, alignment)? })
    }

    fn alignment(&self, metadata: &BTreeMap<String, Value>) -> Result<u64> {
        match metadata.get("general.alignment") {
            None => Ok(32),
            Some(&Value::Unsigned(alignment)) if alignment.is_power_of_two() && alignment <= 1 << 20 => Ok(alignment),
            Some(other) => {
                let problem = format!("{other:?} is not a power of two up to 2^20");
                Err(self.error("general.alignment", problem).into())
            }
        }
    }

    fn value(&mut self, key: &str, kind: u32, depth: u32) -> Result<Value> {
        Ok(match kind {
            0 => Value::Unsigned(u64::from(self.bytes::<1>(key)?[0])),
            1 => Value::Signed(i64::from(i8::from_le_bytes(self.bytes(key)?))),
            2 => Value::Unsigned(u64::from(u16::from_le_bytes(self.bytes(key)?))),
            3 => Value::Signed(i64::from(i16::from_le_bytes(self.bytes(key)?))),
            4 => Value::Unsigned(u64::from(self.u32(key)?)),
            5 => Value::Signed(i64::from(i32::from_le_bytes(self.bytes(key)?))),
            6 => Value::Float(f64::from(f32::from_le_bytes(self.bytes(key)?))),
            7 => Value::Flag(self.bytes::<1>(key)?[0] != 0),
            8 => Value::Text(self.text(key)?),
            9 if depth < MAX_ARRAY_DEPTH => {
                let kind = self.u32(key)?;
                let count = self.count(key, 1)?;
                self.values += count;
                if self.values > MAX_VALUES {
                    return Err(self.error(key, "the arrays of the metadata are too long").into());
                }
                Value::List((0..count).map(|_| self.value(key, kind, depth + 1)).collect::<Result<_>>()?)
            }
            10 => Value::Unsigned(self.u64(key)?),
            11 => Value::Signed(self.u64(key)?.cast_signed()),
            12 => Value::Float(f64::from_le_bytes(self.bytes(key)?)),
            other => return Err(self.error(key, format!("{other} is not a value type")).into()),
        })
    }

    /// Reads a tensor's name, shape (rows first), type number and offset.
    fn tensor(&mut self) -> Result<(String, Vec<usize>, u32, u64)> {
        let name = self.text("tensor name")?;
        let dims = self.u32(&name)?;
        if dims > MAX_DIMS {
            return Err(self.error(&name, format!("{dims} dimensions are more than {MAX_DIMS}")).into());
        }
        let mut shape = Vec::new();
        for _ in 0..dims {
            let size = self.u64(&name)?;
            let valid = usize::try_from(size).ok().filter(|&size| size > 0);
            shape.push(valid.ok_or_else(|| self.error(&name, format!("{size} is not a size")))?);
        }
        shape.reverse();
        Ok((name.clone(), shape, self.u32(&name)?, self.u64(&name)?))
    }

    /// Computes where tensors lie, and checks that they are inside the file, aligned and disjoint.
    fn place(
        &self,
        mut infos: Vec<(String, Vec<usize>, u32, u64)>,
        start: u64,
        alignment: u64,
    ) -> Result<Vec<(String, Stored)>> {
        infos.sort_by_key(|&(_, _, _, offset)| offset);
        let mut end = 0;
        let mut tensors: Vec<(String, Stored)> = Vec::with_capacity(infos.len());
        for (name, shape, kind, offset) in infos {
            let numbers = numbers(kind).ok_or_else(|| {
                let problem = format!("weights in {} are not supported", type_name(kind));
                self.error(&name, problem)
                    .help("use a file in f16, bf16, q8_0, q4_0, a K quantisation, iq4_nl, iq4_xs or mxfp4")
            })?;
            let width = *shape.last().unwrap_or(&1);
            if let (Numbers::Blocks(kind), None) = (numbers, numbers.bytes(width)) {
                let values = kind.values();
                let problem = format!("rows of {width} values do not fill blocks of {values}, as {} has", kind.name());
                return Err(self.error(&name, problem).help("the file is damaged; fetch it again").into());
            }
            let elements = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
            let length = elements.and_then(|elements| numbers.bytes(elements));
            let length = length.ok_or_else(|| self.error(&name, format!("{shape:?} is an impossible shape")))?;
            let from = start.checked_add(offset).filter(|_| offset.is_multiple_of(alignment) && offset >= end);
            let to = from.and_then(|from| from.checked_add(length as u64)).filter(|&to| to <= self.length);
            let (Some(from), Some(to)) = (from, to) else {
                let problem = format!(
                    "its {length} bytes at offset {offset} overlap another tensor, are misaligned, or leave the file"
                );
                return Err(self.error(&name, problem).help("the file is damaged; fetch it again").into());
            };
            end = to - start;
            tensors.push((name, Stored::new(from, length, shape, numbers)));
        }
        Ok(tensors)
    }

    /// Reads a count of entries and checks that the rest of the file has room for them, at `min_bytes` or more each.
    fn count(&mut self, field: &str, min_bytes: u64) -> Result<u64> {
        let count = self.u64(field)?;
        let room = (self.length - self.at) / min_bytes;
        if count <= room {
            return Ok(count);
        }
        Err(self.error(field, format!("the file has no room for {count} entries")).into())
    }

    fn text(&mut self, field: &str) -> Result<String> {
        let length = self.count(field, 1)?;
        let mut bytes = vec![0; length as usize];
        self.fill(field, &mut bytes)?;
        String::from_utf8(bytes).map_err(|_| self.error(field, "the text is not UTF-8").into())
    }

    fn u32(&mut self, field: &str) -> Result<u32> {
        Ok(u32::from_le_bytes(self.bytes(field)?))
    }

    fn u64(&mut self, field: &str) -> Result<u64> {
        Ok(u64::from_le_bytes(self.bytes(field)?))
    }

    fn bytes<const N: usize>(&mut self, field: &str) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(field, &mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, field: &str, bytes: &mut [u8]) -> Result<()> {
        if self.file.read_exact(bytes).is_err() {
            return Err(self.error(field, "the file is cut short").help("fetch it again").into());
        }
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Creates an error about `field`.
    fn error(&self, field: &str, problem: impl Into<String>) -> InputError {
        InputError::new(problem).path(self.path).field(field)
    }
}

/// Returns the number format of a ggml type, or `None` if it is unknown.
fn numbers(kind: u32) -> Option<Numbers> {
    Some(match kind {
        0 => Numbers::F32,
        24 => Numbers::Other(8),
        25 => Numbers::Other(16),
        26 => Numbers::Other(32),
        27 | 28 => Numbers::Other(64),
        other => Numbers::Blocks(BlockType::from_ggml(other)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose only content is one tensor of type `kind` in `shape`, columns first, with `data` bytes.
    fn file(kind: u32, shape: [u64; 2], data: usize) -> tempfile::NamedTempFile {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend([1_u64, 0].into_iter().flat_map(u64::to_le_bytes));
        bytes.extend(9_u64.to_le_bytes());
        bytes.extend(b"blk.0.w.x");
        bytes.extend(2_u32.to_le_bytes());
        bytes.extend(shape.into_iter().flat_map(u64::to_le_bytes));
        bytes.extend(kind.to_le_bytes());
        bytes.extend(0_u64.to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(32) + data, 0);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn sizes_are_checked_in_every_type() {
        let mut found = 0;
        for (kind, blocks) in (0..64).filter_map(|kind| Some((kind, BlockType::from_ggml(kind)?))) {
            found += 1;
            let length = blocks.bytes(512).unwrap();
            assert_eq!(read(file(kind, [256, 2], length).path()).unwrap().tensors.len(), 1, "{blocks:?}");
            let error = |file: tempfile::NamedTempFile| read(file.path()).unwrap_err().to_string();
            let cut = error(file(kind, [256, 2], length - 1));
            assert!(cut.contains("blk.0.w.x") && cut.contains("leave the file"), "{blocks:?}: {cut}");
            if blocks.values() > 1 {
                let ragged = error(file(kind, [255, 2], length));
                assert!(ragged.contains("blk.0.w.x") && ragged.contains("rows of 255 values"), "{blocks:?}: {ragged}");
            }
        }
        assert_eq!(found, BlockType::ALL.len());
        let unknown = read(file(19, [256, 2], 512).path()).unwrap_err().to_string();
        assert!(unknown.contains("blk.0.w.x") && unknown.contains("weights in iq1_s are"), "{unknown}");
        let unnamed = read(file(99, [256, 2], 512).path()).unwrap_err().to_string();
        assert!(unnamed.contains("weights in ggml type 99 are not supported"), "{unnamed}");
    }
}
