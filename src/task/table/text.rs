//! Decodes text files: UTF-8, or UTF-16 with a byte order mark, compressed or not.

use std::{borrow::Cow, path::Path};

use encoding_rs::Encoding;

use super::compressed;
use crate::{
    disk::{is_lfs_pointer, lfs_pointer},
    error::InputError,
    size::format_size,
};

/// Maximum bytes of a line: far more than fits into a prompt, far less than fills the memory.
pub(super) const LONGEST_LINE: usize = 16_000_000;

/// Returns the text of a file without its byte order mark.
///
/// # Errors
/// If a line is not text or too long, which names the first such line; or if the file is compressed and damaged.
pub(crate) fn decode<'a>(path: &Path, bytes: &'a [u8]) -> Result<Cow<'a, str>, InputError> {
    match compressed::decoded(path, bytes)? {
        Cow::Borrowed(bytes) => plain(path, bytes),
        Cow::Owned(bytes) => owned(path, bytes).map(Cow::Owned),
    }
}

/// As [`plain`], in the memory of `bytes` if possible.
fn owned(path: &Path, bytes: Vec<u8>) -> Result<String, InputError> {
    match plain(path, &bytes)? {
        Cow::Borrowed(text) if text.len() == bytes.len() => {}
        other => return Ok(other.into_owned()),
    }
    String::from_utf8(bytes).map_err(|error| InputError::new(error.to_string()).path(path))
}

/// Returns the text of a file that is not compressed.
fn plain<'a>(path: &Path, bytes: &'a [u8]) -> Result<Cow<'a, str>, InputError> {
    let wrong = |before: &[u8], problem: String, help: &str| {
        let line = before.split(|&byte| byte == b'\n').count();
        InputError::new(problem).path(path).line(line).help(help)
    };
    if is_lfs_pointer(bytes) {
        return Err(lfs_pointer(path));
    }
    let text: Cow<'a, str> = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) if encoding != encoding_rs::UTF_8 => {
            let (text, broken) = encoding.decode_without_bom_handling(&bytes[mark..]);
            if broken {
                let problem = format!("the text has the byte order mark of {} but is invalid", encoding.name());
                return Err(InputError::new(problem).path(path).help("save it as UTF-8"));
            }
            text
        }
        marked => {
            let bytes = &bytes[marked.map_or(0, |(_, mark)| mark)..];
            let text = std::str::from_utf8(bytes).map_err(|error| {
                wrong(&bytes[..error.valid_up_to()], "the text is not UTF-8".to_owned(), "save it as UTF-8")
            })?;
            Cow::Borrowed(text)
        }
    };
    if let Some(at) = text.find('\0') {
        let problem = "there is a NUL byte: the file is not text, or UTF-16 without its byte order mark".to_owned();
        return Err(wrong(&text.as_bytes()[..at], problem, "save it as UTF-8"));
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.len() > LONGEST_LINE {
            let problem = format!("the line has {}", format_size(line.len() as u64));
            return Err(wrong(
                &text.as_bytes()[..start],
                problem,
                "write one example per line; is a line break missing?",
            ));
        }
        start += line.len();
    }
    Ok(text)
}
