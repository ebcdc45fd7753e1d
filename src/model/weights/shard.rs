//! One file of a checkpoint.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::Stored;
use crate::error::{Error, InputError, Result};

/// Bytes hashed at a time.
const HASH_CHUNK: usize = 16 << 20;

/// A file, or bytes that are part of the program.
#[derive(Debug)]
pub(super) struct Shard {
    path: PathBuf,
    source: Source,
    length: u64,
}

#[derive(Debug)]
enum Source {
    File,
    Embedded(&'static [u8]),
}

impl Shard {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let file = std::fs::metadata(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        if !file.is_file() {
            return Err(InputError::new("this is not a file").path(path).into());
        }
        Ok(Self { path, source: Source::File, length: file.len() })
    }

    pub(super) fn embedded(name: &str, bytes: &'static [u8]) -> Self {
        Self { path: PathBuf::from(name), source: Source::Embedded(bytes), length: bytes.len() as u64 }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in the file when it was opened.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// An error about `field` of this file.
    pub(super) fn wrong(&self, field: &str, problem: impl Into<String>) -> InputError {
        InputError::new(problem).path(&self.path).field(field)
    }

    /// The bytes of a tensor.
    pub(super) fn read(&self, name: &str, stored: &Stored) -> Result<Vec<u8>> {
        self.read_at(stored.offset, stored.length).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => self.wrong(name, "the file ends before the tensor does").into(),
            _ => Error::Read { path: self.path.clone(), source },
        })
    }

    /// `length` bytes from `offset`, which must lie within the file.
    pub(super) fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let end = offset.checked_add(length as u64).filter(|&end| end <= self.length);
        let end = end.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        if let Source::Embedded(bytes) = self.source {
            return Ok(bytes[offset as usize..end as usize].to_vec());
        }
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn hash_into(&self, hasher: &mut blake3::Hasher) -> Result<()> {
        let mut offset = 0;
        while offset < self.length {
            let length = HASH_CHUNK.min((self.length - offset) as usize);
            let read = self.read_at(offset, length);
            hasher.update_rayon(&read.map_err(|source| Error::Read { path: self.path.clone(), source })?);
            offset += length as u64;
        }
        Ok(())
    }
}
