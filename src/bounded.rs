//! Bounds on what is read, so that a small file cannot fill the memory.
//!
//! Compressed files can expand a thousandfold and more; whoever decodes one reads through [`Bounded`] and says with
//! [`too_large`] how the limit can be raised.

use std::io::{self, Read};

use crate::{
    error::{InputError, Result},
    size::{format_size, parse_size},
};

/// Environment variable with the memory that the data of a task may take.
pub(crate) const VARIABLE: &str = "PARTSCOPE_MAX_DATA";

/// Its value if it is not set.
const MAX_DATA: u64 = 1_000_000_000;

/// Returns how many bytes of memory the rows of a task may take. A single decoded file or part of one may take half of
/// it.
///
/// # Errors
/// If `PARTSCOPE_MAX_DATA` is not a size.
pub(crate) fn max_data() -> Result<u64, InputError> {
    let Some(text) = std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) else { return Ok(MAX_DATA) };
    let text = text.to_string_lossy();
    parse_size(&text).filter(|&size| size > 0).ok_or_else(|| {
        InputError::new(format!("`{text}` is not a size")).field(VARIABLE).help("write a size such as 500MB or 4GB")
    })
}

/// Creates the error for data of which `what` exceeds `limit` bytes, a limit that follows from `PARTSCOPE_MAX_DATA`.
pub(crate) fn too_large(what: &str, limit: u64) -> InputError {
    let help =
        format!("read part of it with a range such as `train.jsonl[:10000]`, or raise the limit: {VARIABLE}=4GB");
    InputError::new(format!("{what} more than {} of memory", format_size(limit))).help(help)
}

/// A reader that fails with [`io::ErrorKind::FileTooLarge`] after `left` bytes if there are more.
#[derive(Debug)]
pub(crate) struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Bounded<R> {
    /// Limits `inner` to `limit` bytes.
    pub(crate) const fn new(inner: R, limit: u64) -> Self {
        Self { inner, left: limit }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buffer.is_empty() {
            let more = self.inner.read(&mut [0])? > 0;
            return if more { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(0) };
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Reads all of `reader`, but at most `limit` bytes.
///
/// # Errors
/// Those of the reader; [`io::ErrorKind::FileTooLarge`] if there are more bytes.
pub(crate) fn read_all(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Bounded::new(reader, limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_reader_gives_all_up_to_its_limit_and_an_error_beyond() {
        for (limit, whole) in [(0, false), (4, false), (5, true), (6, true), (u64::MAX, true)] {
            match read_all(&b"12345"[..], limit) {
                Ok(bytes) => assert!(whole && bytes == b"12345", "{limit}"),
                Err(error) => assert!(!whole && error.kind() == io::ErrorKind::FileTooLarge, "{limit}: {error}"),
            }
        }
        assert_eq!(read_all(io::empty(), 0).unwrap(), b"");
        let endless = read_all(io::repeat(0), 1 << 20).unwrap_err();
        assert_eq!(endless.kind(), io::ErrorKind::FileTooLarge);
    }
}
