//! Repositories on the hub and their names.

use std::{fmt, str::FromStr};

use crate::error::{InputError, Result};

/// Type of a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RepoKind {
    /// A model.
    #[default]
    Model,
    /// A data set.
    Dataset,
}

impl RepoKind {
    /// Returns the prefix of the folder name in the cache.
    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => "datasets",
        }
    }

    /// Returns the prefix of the name in URLs.
    pub(super) const fn address(self) -> &'static str {
        match self {
            Self::Model => "",
            Self::Dataset => "datasets/",
        }
    }

    /// Returns the noun for messages.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Dataset => "data set",
        }
    }
}

/// A repository on the hub: `org/name`, at a branch, tag or commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repo {
    pub(super) kind: RepoKind,
    pub(super) name: String,
    revision: Option<String>,
}

impl FromStr for Repo {
    type Err = InputError;

    fn from_str(text: &str) -> Result<Self, InputError> {
        let (name, revision) = text.split_once('@').map_or((text, None), |(name, revision)| (name, Some(revision)));
        let plain = |part: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            !part.is_empty() && part.chars().all(known) && !part.starts_with('.') && !part.contains("..")
        };
        let named = name.split_once('/').is_some_and(|(org, name)| plain(org) && plain(name));
        if named && revision.is_none_or(|revision| revision.split('/').all(plain)) {
            return Ok(Self { kind: RepoKind::Model, name: name.to_owned(), revision: revision.map(str::to_owned) });
        }
        Err(InputError::new(format!("`{text}` is not the name of a model on the hub")).help("write org/name@revision"))
    }
}

impl fmt::Display for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.revision.as_ref().map_or(Ok(()), |revision| write!(f, "@{revision}"))
    }
}

impl Repo {
    /// Parses the name of a data set, `org/name[@revision]`.
    ///
    /// # Errors
    /// If `text` is not such a name.
    pub fn dataset(text: &str) -> Result<Self, InputError> {
        let parsed: Self = text
            .parse()
            .map_err(|_| InputError::new(format!("`{text}` is not the name of a data set on the hub")))
            .map_err(|error: InputError| error.help("write org/name or org/name@revision"))?;
        Ok(Self { kind: RepoKind::Dataset, ..parsed })
    }

    /// Sets the revision to `revision` if none is set.
    #[must_use]
    pub fn or_at(self, revision: &str) -> Self {
        Self { revision: self.revision.or_else(|| Some(revision.to_owned())), ..self }
    }

    pub(super) fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["HuggingFaceTB/SmolLM2-135M", "a/b@main", "a/b@refs/pr/3", "a/b@0123456789abcdef"] {
            assert_eq!(good.parse::<Repo>().unwrap().to_string(), good);
        }
        for bad in ["", "a", "a/", "/b", "a/b/c", "../b", "a/..", "a/b@", "a/b@../x", "a/b c", "a/b@x//y"] {
            assert!(bad.parse::<Repo>().is_err(), "{bad}");
        }
    }
}
