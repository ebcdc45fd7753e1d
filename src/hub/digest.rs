//! Compares files with the hashes that the hub announces.

use std::{
    fmt::Write,
    io::{self, Read},
};

use ring::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

/// Hash of a file, as the hub announces it in an entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    /// SHA-256 of a large file.
    Sha256(String),
    /// SHA-1 of a small file as a Git object; some mirrors send that of the bytes alone.
    Git(String),
}

impl Hash {
    /// Reads an entity tag; `None` if it is not a hash of the hub.
    pub(super) fn from_tag(tag: &str) -> Option<Self> {
        let text = tag.trim().trim_start_matches("W/").trim_matches('"').to_ascii_lowercase();
        match text.len() {
            _ if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) => None,
            64 => Some(Self::Sha256(text)),
            40 => Some(Self::Git(text)),
            _ => None,
        }
    }

    /// Returns the hash in hexadecimal digits.
    pub(super) fn digits(&self) -> &str {
        let (Self::Sha256(text) | Self::Git(text)) = self;
        text
    }

    /// Returns whether a file of `size` bytes has this hash.
    pub(super) fn is_of(&self, file: &mut dyn Read, size: u64) -> io::Result<bool> {
        let git = format!("blob {size}\0");
        let mut contexts = match self {
            Self::Sha256(_) => vec![context(&SHA256, b"")],
            Self::Git(_) => {
                vec![context(&SHA1_FOR_LEGACY_USE_ONLY, git.as_bytes()), context(&SHA1_FOR_LEGACY_USE_ONLY, b"")]
            }
        };
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            for context in &mut contexts {
                context.update(&buffer[..read]);
            }
        }
        Ok(contexts.into_iter().any(|context| hexadecimal(context) == self.digits()))
    }
}

fn context(algorithm: &'static Algorithm, start: &[u8]) -> Context {
    let mut context = Context::new(algorithm);
    context.update(start);
    context
}

fn hexadecimal(context: Context) -> String {
    context.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_with_files() {
        let sha256 = "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"";
        // `printf abc | git hash-object --stdin`, and `printf abc | sha1sum`
        for tag in
            [sha256, "W/\"f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f\"", "A9993E364706816ABA3E25717850C26C9CD0D89D"]
        {
            let hash = Hash::from_tag(tag).unwrap();
            assert!(hash.is_of(&mut &b"abc"[..], 3).unwrap(), "{tag}");
            assert!(!hash.is_of(&mut &b"abd"[..], 3).unwrap(), "{tag}");
        }
        for tag in ["", "\"5f3c-1a\"", &"g".repeat(64), &"a".repeat(32)] {
            assert_eq!(Hash::from_tag(tag), None, "{tag}");
        }
    }
}
