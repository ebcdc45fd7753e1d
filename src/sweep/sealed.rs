//! JSON files that carry the checksum of their content.
//!
//! The text is `{"checksum":"…","KEY":CONTENT}` and a line break; the checksum is BLAKE3 of the bytes of CONTENT.

use crate::error::InputError;

/// Digits of a checksum.
const DIGITS: usize = 2 * blake3::OUT_LEN;

/// Returns the text of the file and its checksum.
pub(super) fn seal(key: &str, content: &str) -> (String, String) {
    let checksum = blake3::hash(content.as_bytes()).to_hex().to_string();
    (format!("{{\"checksum\":\"{checksum}\",\n\"{key}\":{content}}}\n"), checksum)
}

/// Returns the content and the checksum of a file.
///
/// # Errors
/// If it has changed since it was sealed, or is another file.
pub(super) fn open<'t>(key: &str, text: &'t str) -> Result<(&'t str, &'t str), InputError> {
    let parts = || {
        let (checksum, rest) = text.strip_prefix("{\"checksum\":\"")?.split_at_checked(DIGITS)?;
        let content = rest.strip_prefix("\",\n\"")?.strip_prefix(key)?.strip_prefix("\":")?.strip_suffix("}\n")?;
        Some((content, checksum))
    };
    match parts() {
        Some((content, checksum)) if blake3::hash(content.as_bytes()).to_hex().as_str() == checksum => {
            Ok((content, checksum))
        }
        _ => Err(InputError::new("the file has changed since it was written (its checksum differs)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_found() {
        let (text, checksum) = seal("result", "{\"a\":1}");
        assert_eq!(open("result", &text).unwrap(), ("{\"a\":1}", checksum.as_str()));
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        assert!(open("sweep", &text).is_err());
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            assert!(String::from_utf8(changed).is_ok_and(|changed| open("result", &changed).is_err()), "{at}");
            assert!(open("result", &text[..at]).is_err(), "{at}");
        }
    }
}
