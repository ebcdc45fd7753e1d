//! Bytes of a text file as text: UTF-8, or UTF-16 that says so.

use std::{borrow::Cow, path::Path};

use encoding_rs::Encoding;

use crate::error::InputError;

/// Bytes that a line may have: far beyond what a prompt can hold, far below what would fill the memory.
pub(super) const LONGEST_LINE: usize = 16 << 20;

/// The text of a file without its byte order mark.
///
/// # Errors
/// Names the first line that is no text, or too long to be one.
pub(crate) fn decode<'a>(path: &Path, bytes: &'a [u8]) -> Result<Cow<'a, str>, InputError> {
    let wrong = |before: &[u8], problem: String, cure: &str| {
        let line = before.split(|&byte| byte == b'\n').count();
        InputError::new(problem).path(path).line(line).cure(cure)
    };
    let text: Cow<'a, str> = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) if encoding != encoding_rs::UTF_8 => {
            let (text, broken) = encoding.decode_without_bom_handling(&bytes[mark..]);
            if broken {
                let problem = format!("the text begins as {} but is not", encoding.name());
                return Err(InputError::new(problem).path(path).cure("save it as UTF-8"));
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
        let problem = "there is a NUL byte: this is no text, or UTF-16 without its mark".to_owned();
        return Err(wrong(&text.as_bytes()[..at], problem, "save it as UTF-8"));
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.len() > LONGEST_LINE {
            let problem = format!("the line has {} MB", line.len() / 1_000_000);
            return Err(wrong(&text.as_bytes()[..start], problem, "one example a line; is a line break missing?"));
        }
        start += line.len();
    }
    Ok(text)
}
