//! Files compressed with gzip or Zstandard, recognised by their content and decoded up to a bound.

use std::{
    borrow::Cow,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use zstd::stream::read::Decoder;

use crate::{bounded, error::InputError, size::format_size};

/// Endings of compressed files, after the ending of the table: `train.jsonl.gz`.
pub(super) const ENDINGS: [&str; 2] = ["gz", "zst"];

/// Returns the path without the ending of a compressed file.
pub(in crate::task) fn without_ending(path: &Path) -> PathBuf {
    if is_compressed(path) { path.with_extension("") } else { path.to_owned() }
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Returns the decoded bytes of a compressed file, and the bytes of any other as they are.
///
/// # Errors
/// If the file is damaged, decodes to too many bytes, or only has the name of a compressed file.
pub(super) fn decoded<'a>(path: &Path, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, InputError> {
    decoded_up_to(path, bytes, bounded::max_data()? / 2)
}

fn decoded_up_to<'a>(path: &Path, bytes: &'a [u8], most: u64) -> Result<Cow<'a, [u8]>, InputError> {
    let wrong = |problem: String, help: &str| InputError::new(problem).path(path).help(help);
    let damaged =
        |error: std::io::Error| wrong(format!("the compressed file is damaged: {error}"), "copy or download it again");
    let decoder: Box<dyn Read + 'a> = match bytes {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(bytes)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Box::new(Decoder::new(bytes).map_err(damaged)?)
        }
        _ if is_compressed(path) && !bytes.is_empty() => {
            let problem = "the name is that of a compressed file, but the content is not compressed".to_owned();
            return Err(wrong(problem, "rename it without .gz or .zst, or download it again"));
        }
        _ => return Ok(Cow::Borrowed(bytes)),
    };
    match bounded::read_all(decoder, most) {
        Ok(decoded) => Ok(Cow::Owned(decoded)),
        Err(error) if error.kind() == ErrorKind::FileTooLarge => {
            let problem = format!("{} compressed bytes decode to more than {}", bytes.len(), format_size(most));
            let help = format!("if you trust the file, raise the limit: {}=4GB", bounded::VARIABLE);
            Err(wrong(problem, &help))
        }
        Err(error) => Err(damaged(error)),
    }
}

#[cfg(test)]
pub(in crate::task) mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    pub(in crate::task) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    pub(in crate::task) fn zstandard(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 3).unwrap()
    }

    fn decode(name: &str, bytes: &[u8], most: u64) -> Result<Vec<u8>, String> {
        decoded_up_to(Path::new(name), bytes, most).map(Cow::into_owned).map_err(|error| error.to_string())
    }

    #[test]
    fn files_are_decoded_by_their_content() {
        let text = b"one\ntwo\n".as_slice();
        for compress in [gzip, zstandard] {
            for name in ["a.jsonl.gz", "a.csv.zst", "a.jsonl"] {
                assert_eq!(decode(name, &compress(text), 8), Ok(text.to_vec()), "{name}");
            }
            let two_parts = [compress(b"one\n"), compress(b"two\n")].concat();
            assert_eq!(decode("a.gz", &two_parts, 8), Ok(text.to_vec()), "parts written one after the other");
        }
        assert_eq!(decode("a.jsonl", text, 8), Ok(text.to_vec()));
    }

    #[test]
    fn the_bound_is_exact_and_holds_for_all_parts_together() {
        for compress in [gzip, zstandard] {
            assert!(decode("a.gz", &compress(&[b'a'; 1000]), 1000).is_ok());
            let error = decode("a.gz", &compress(&[b'a'; 1001]), 1000).unwrap_err();
            assert!(error.contains("decode to more than 1 kB; if you trust the file"), "{error}");
            let parts = [compress(&[b'a'; 600]), compress(&[b'a'; 600])].concat();
            assert!(decode("a.gz", &parts, 1000).is_err());
        }
    }

    #[test]
    fn damaged_and_misnamed_files_are_reported() {
        for compress in [gzip, zstandard] {
            let whole = compress(&(0..=255).collect::<Vec<u8>>());
            for length in 5..whole.len() {
                let error = decode("a.gz", &whole[..length], 1000).unwrap_err();
                assert!(error.starts_with("a.gz: the compressed file is damaged"), "{length}: {error}");
            }
        }
        assert!(decode("a.jsonl.gz", b"{}", 9).unwrap_err().contains("the content is not compressed; rename it"));
        assert_eq!(decode("a.jsonl.gz", b"", 9), Ok(Vec::new()));
    }
}
