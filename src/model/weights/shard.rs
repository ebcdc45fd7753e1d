//! One file of a checkpoint.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::Stored;
use crate::{
    disk,
    error::{Error, InputError, Result},
};

/// Bytes hashed at a time.
const HASH_CHUNK: usize = 2 << 20;

/// A checkpoint file, or bytes embedded in the binary.
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
    /// Opens the file at `path`.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let file = disk::open(&path)?.metadata().map_err(|source| Error::Read { path: path.clone(), source })?;
        Ok(Self { path, source: Source::File, length: file.len() })
    }

    /// Wraps embedded bytes; errors name `name`.
    pub(super) fn embedded(name: &str, bytes: &'static [u8]) -> Self {
        Self { path: PathBuf::from(name), source: Source::Embedded(bytes), length: bytes.len() as u64 }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Length of the file in bytes when it was opened.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Creates an error about `field` of this file.
    pub(super) fn error(&self, field: &str, problem: impl Into<String>) -> InputError {
        InputError::new(problem).path(&self.path).field(field)
    }

    /// Reads the bytes of a tensor.
    pub(super) fn read(&self, name: &str, stored: &Stored) -> Result<Vec<u8>> {
        self.read_at(stored.offset, stored.length).map_err(|source| self.read_error(name, source))
    }

    /// Passes the bytes of a tensor to `take`, in order and at most `max` at a time.
    pub(super) fn read_chunks(
        &self,
        name: &str,
        stored: &Stored,
        max: usize,
        take: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        self.for_each_chunk(stored.offset, stored.length as u64, max, |source| self.read_error(name, source), take)
    }

    /// Reads `length` bytes from `offset`; fails with [`io::ErrorKind::UnexpectedEof`] beyond the end of the file.
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

    /// Adds the whole file to `hasher`.
    pub(super) fn hash_into(&self, hasher: &mut blake3::Hasher) -> Result<()> {
        let failed = |source| Error::Read { path: self.path.clone(), source };
        self.for_each_chunk(0, self.length, HASH_CHUNK, failed, &mut |bytes| {
            hasher.update_rayon(bytes);
            Ok(())
        })
    }

    /// Passes `length` bytes from `offset`, a range within the file, to `take` in chunks of at most `max` bytes.
    fn for_each_chunk(
        &self,
        offset: u64,
        length: u64,
        max: usize,
        failed: impl Fn(io::Error) -> Error,
        take: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        if let Source::Embedded(bytes) = self.source {
            return bytes[offset as usize..(offset + length) as usize].chunks(max).try_for_each(take);
        }
        let mut file = File::open(&self.path).map_err(&failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(&failed)?;
        let mut buffer = vec![0; max.min(length as usize)];
        let mut left = length as usize;
        while left > 0 {
            let chunk = &mut buffer[..left.min(max)];
            file.read_exact(chunk).map_err(&failed)?;
            left -= chunk.len();
            take(chunk)?;
        }
        Ok(())
    }

    /// Creates the error for a failed read of the tensor `name`.
    fn read_error(&self, name: &str, source: io::Error) -> Error {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => self.error(name, "the file ends before the tensor does").into(),
            _ => Error::Read { path: self.path.clone(), source },
        }
    }
}
