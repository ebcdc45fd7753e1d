//! The folders that an agent may read and write.

use std::path::{Component, Path, PathBuf};

use crate::error::{Error, InputError, Result};

/// Folders named when the server started; relative paths are relative to the first.
#[derive(Clone, Debug)]
pub(crate) struct Folders(Vec<PathBuf>);

impl Folders {
    /// Allows the folders `named`.
    ///
    /// # Errors
    /// If one does not exist.
    pub(crate) fn new(named: &[PathBuf]) -> Result<Self> {
        let resolved = |folder: &PathBuf| -> Result<PathBuf> {
            let path = folder.canonicalize().map_err(|source| Error::Read { path: folder.clone(), source })?;
            if !path.is_dir() {
                return Err(InputError::new("this is not a folder").path(folder).into());
            }
            Ok(path)
        };
        named.iter().map(resolved).collect::<Result<_>>().map(Self)
    }

    /// Returns the path of a file or folder that exists in the folders, without symbolic links.
    ///
    /// # Errors
    /// A sentence for the agent, if there is none.
    pub(super) fn existing(&self, text: &str) -> Result<PathBuf, String> {
        let path = self.join(text)?;
        let real = path.canonicalize().map_err(|error| format!("{text}: {error}"))?;
        self.contain(&real).then_some(real).ok_or_else(|| self.refusal(text))
    }

    /// Returns the path of something that may not exist yet; its nearest parent that exists is in the folders.
    ///
    /// # Errors
    /// A sentence for the agent, if it is elsewhere.
    pub(super) fn new_path(&self, text: &str) -> Result<PathBuf, String> {
        let path = self.join(text)?;
        let Some(parent) = path.ancestors().find(|parent| parent.exists()) else { return Err(self.refusal(text)) };
        let real = parent.canonicalize().map_err(|error| format!("{text}: {error}"))?;
        if !self.contain(&real) {
            return Err(self.refusal(text));
        }
        Ok(path.strip_prefix(parent).map_or_else(|_| real.clone(), |rest| real.join(rest)))
    }

    fn join(&self, text: &str) -> Result<PathBuf, String> {
        let path = Path::new(text);
        // `..` behind something that does not exist yet would escape the check of its parent.
        if text.is_empty() || path.components().any(|part| part == Component::ParentDir) {
            return Err(format!("{text:?}: name a path without `..`"));
        }
        Ok(self.0.first().map_or_else(|| path.to_owned(), |first| first.join(path)))
    }

    fn contain(&self, real: &Path) -> bool {
        self.0.iter().any(|folder| real.starts_with(folder))
    }

    fn refusal(&self, text: &str) -> String {
        let named: Vec<String> = self.0.iter().map(|folder| folder.display().to_string()).collect();
        format!("{text}: outside the folders that were named when the server started: {}", named.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn nothing_outside_the_folders_is_reached() {
        let (home, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        fs::create_dir(home.path().join("run")).unwrap();
        let folders = Folders::new(&[home.path().to_owned()]).unwrap();
        let root = home.path().canonicalize().unwrap();
        assert_eq!(folders.existing("run").unwrap(), root.join("run"));
        assert_eq!(folders.new_path("new/deep").unwrap(), root.join("new/deep"));
        assert_eq!(folders.new_path(home.path().join("x").to_str().unwrap()).unwrap(), root.join("x"));
        let outside = other.path().to_str().unwrap();
        for text in ["/etc", outside, "..", "run/../..", "new/../../x", ""] {
            assert!(folders.existing(text).is_err() && folders.new_path(text).is_err(), "{text}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(other.path(), home.path().join("link")).unwrap();
            assert!(folders.existing("link").is_err() && folders.new_path("link/new").is_err());
        }
        assert!(Folders::new(&[home.path().join("missing")]).is_err());
    }
}
