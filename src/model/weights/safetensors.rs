//! Reads and validates the header of a safetensors file.
//!
//! The format: eight bytes with the header's length, a JSON header, then the tensors without gaps.

use super::{Numbers, Stored, shard::Shard};
use crate::{
    data_memory::check_json,
    error::{Error, InputError, Result},
    model::blocks::BlockType,
};

/// Limit on the header's length in bytes, as in the reference implementation.
const MAX_HEADER: u64 = 100_000_000;

#[derive(serde::Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// Reads the index of `shard`, file `number` of the checkpoint.
pub(super) fn index(shard: &Shard, number: usize) -> Result<Vec<(String, Stored)>> {
    let (start, header) = header(shard)?;
    let room = shard.length() - start;
    let mut entries = Vec::with_capacity(header.len());
    for (name, value) in header.into_iter().filter(|(name, _)| name != "__metadata__") {
        let entry: Entry = serde_json::from_value(value).map_err(|error| shard.error(&name, error.to_string()))?;
        entries.push((name, entry));
    }
    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut end = 0;
    let mut tensors = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        let (from, to) = entry.data_offsets;
        if from != end || to < from {
            let problem =
                format!("its bytes {from}..{to} overlap another tensor or leave a gap; the one before ends at {end}");
            return Err(damaged(shard.error(&name, problem)));
        }
        if to > room {
            let problem = format!("the file is cut short: the tensor ends at byte {to}, the data at {room}");
            return Err(damaged(shard.error(&name, problem)));
        }
        end = to;
        let stored = stored(&entry, number, start).ok_or_else(|| {
            let problem =
                format!("{} bytes do not hold values of type {} in shape {:?}", to - from, entry.dtype, entry.shape);
            damaged(shard.error(&name, problem))
        })?;
        tensors.push((name, stored));
    }
    if end != room {
        let problem = format!("the file has {room} bytes of tensor data, but the header describes {end}");
        return Err(damaged(InputError::new(problem).path(shard.path())));
    }
    Ok(tensors)
}

fn damaged(error: InputError) -> Error {
    error.help("the file is damaged; fetch it again").into()
}

/// Returns the offset of the tensor data, and the header.
fn header(shard: &Shard) -> Result<(u64, serde_json::Map<String, serde_json::Value>)> {
    let bad_header = |problem: String| damaged(InputError::new(problem).path(shard.path()).field("header"));
    let read = |offset, length| {
        shard.read_at(offset, length).map_err(|error| bad_header(format!("not a safetensors file: {error}")))
    };
    let length = read(0, 8)?.try_into().map_or(0, u64::from_le_bytes);
    if length > MAX_HEADER || length + 8 > shard.length() {
        return Err(bad_header(format!(
            "a header of {length} bytes does not fit in a file of {} bytes",
            shard.length()
        )));
    }
    let text = read(8, length as usize)?;
    check_json(&text).map_err(|error| error.path(shard.path()).field("header"))?;
    let header = serde_json::from_slice(&text).map_err(|error| bad_header(error.to_string()))?;
    Ok((8 + length, header))
}

/// Converts a header entry; `None` if dtype, shape and byte range do not agree.
fn stored(entry: &Entry, shard: usize, start: u64) -> Option<Stored> {
    let numbers = match entry.dtype.as_str() {
        "F32" => Numbers::F32,
        "F16" => Numbers::Blocks(BlockType::F16),
        "BF16" => Numbers::Blocks(BlockType::BF16),
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" => Numbers::Other(8),
        "I16" | "U16" => Numbers::Other(16),
        "I32" | "U32" => Numbers::Other(32),
        "I64" | "U64" | "F64" | "C64" => Numbers::Other(64),
        "F4" => Numbers::Other(4),
        _ => return None,
    };
    let shape: Vec<usize> = entry.shape.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<_>>()?;
    let elements = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))?;
    let (from, to) = entry.data_offsets;
    let length = usize::try_from(to - from).ok().filter(|&length| numbers.bytes(elements) == Some(length))?;
    Some(Stored { shard, ..Stored::new(start.checked_add(from)?, length, shape, numbers) })
}
