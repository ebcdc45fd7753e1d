//! The hub's cache on disk: `models--org--name/refs/<revision>` contains the name of a commit, and
//! `snapshots/<commit>/` its files; data sets are in `datasets--org--name`.

use std::path::{Path, PathBuf};

use super::{repo::Repo, settings::Settings};
use crate::{
    disk::write_whole,
    error::{Error, Result},
};

/// Length of a commit hash.
const COMMIT: usize = 40;

/// Returns the cache folder of a repository.
pub(super) fn folder(repo: &Repo, settings: &Settings) -> PathBuf {
    settings.cache.join(format!("{}--{}", repo.kind.folder(), repo.name.replace('/', "--")))
}

/// Returns the folder with the files of a commit.
pub(super) fn snapshot(repo: &Repo, settings: &Settings, commit: &str) -> PathBuf {
    folder(repo, settings).join("snapshots").join(commit)
}

/// Returns the folder with the files of the repository's revision, if it is in the cache.
pub(super) fn find(repo: &Repo, settings: &Settings) -> Option<PathBuf> {
    let reference = folder(repo, settings).join("refs").join(repo.revision());
    let commit = match std::fs::read_to_string(reference) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => repo.revision().to_owned(),
    };
    Some(snapshot(repo, settings, &commit)).filter(|folder| is_commit(&commit) && folder.is_dir())
}

/// Records that the repository's revision is `commit`.
pub(super) fn remember(repo: &Repo, settings: &Settings, commit: &str) -> Result<()> {
    if repo.revision() == commit {
        return Ok(());
    }
    write(&folder(repo, settings).join("refs").join(repo.revision()), commit)
}

/// Returns whether `text` has the form of a commit hash, and so is safe as the name of a folder.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == COMMIT && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Writes a small file in the cache, creating its folder if needed.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    write_whole(path, text.as_bytes())
}

/// Returns the names of the models whose files are in the cache, as `org/name`, in alphabetical order.
pub fn cached_models(settings: &Settings) -> Vec<String> {
    let entries = std::fs::read_dir(&settings.cache).into_iter().flatten().flatten();
    let named = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?.strip_prefix("models--")?.replacen("--", "/", 1);
        let repo: Repo = name.parse().ok()?;
        find(&repo, settings).map(|_| name)
    });
    let mut names: Vec<String> = named.collect();
    names.sort();
    names
}

impl Repo {
    /// Returns the folder with the files of this revision, if it is in the cache.
    pub fn cached(&self, settings: &Settings) -> Option<PathBuf> {
        find(self, settings)
    }
}
