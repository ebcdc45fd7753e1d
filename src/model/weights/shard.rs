//! One file of a checkpoint.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

use super::Stored;
use crate::{
    disk::{self, is_lfs_pointer, lfs_pointer},
    error::{Error, InputError, Result},
};

/// Bytes hashed at a time.
const HASH_CHUNK: usize = 1 << 18;

/// A checkpoint file, or bytes in memory.
#[derive(Debug)]
pub(super) struct Shard {
    path: PathBuf,
    source: Source,
    length: u64,
}

#[derive(Debug)]
enum Source {
    File,
    Memory(Cow<'static, [u8]>),
}

impl Shard {
    /// Opens the file at `path`.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let failed = |source| Error::Read { path: path.clone(), source };
        let mut file = disk::open(&path)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut start = Vec::new();
        file.by_ref().take(64).read_to_end(&mut start).map_err(failed)?;
        if is_lfs_pointer(&start) {
            return Err(lfs_pointer(&path).into());
        }
        Ok(Self { path, source: Source::File, length })
    }

    /// Wraps embedded bytes; errors name `name`.
    pub(super) fn embedded(name: &str, bytes: &'static [u8]) -> Self {
        let (source, length) = (Source::Memory(Cow::Borrowed(bytes)), bytes.len() as u64);
        Self { path: PathBuf::from(name), source, length }
    }

    /// Holds `bytes`, which were computed from the file at `path`; errors name that.
    pub(super) const fn in_memory(path: PathBuf, bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        Self { path, source: Source::Memory(Cow::Owned(bytes)), length }
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

    /// Reads the bytes `range` of a tensor.
    pub(super) fn read(&self, name: &str, stored: &Stored, range: Range<usize>) -> Result<Vec<u8>> {
        self.read_at(stored.offset + range.start as u64, range.len()).map_err(|source| self.read_error(name, source))
    }

    /// Reads `length` bytes from `offset`; fails with [`io::ErrorKind::UnexpectedEof`] beyond the end of the file.
    pub(super) fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let end = offset.checked_add(length as u64).filter(|&end| end <= self.length);
        let end = end.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        if let Source::Memory(bytes) = &self.source {
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
        if let Source::Memory(bytes) = &self.source {
            hasher.update(bytes);
            return Ok(());
        }
        let mut file = File::open(&self.path).map_err(failed)?;
        let mut buffer = vec![0; HASH_CHUNK];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => hasher.update(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
        }
    }

    /// Creates the error for a failed read of the tensor `name`.
    fn read_error(&self, name: &str, source: io::Error) -> Error {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => self.error(name, "the file ends before the tensor does").into(),
            _ => Error::Read { path: self.path.clone(), source },
        }
    }
}
