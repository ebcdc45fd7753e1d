//! Downloads from the hub into its cache.
//!
//! Files are downloaded under temporary names and renamed when they are complete and checked, so that neither a broken
//! connection nor a wrong answer leaves a file that looks complete.

use std::path::{Path, PathBuf};

use super::{
    Repo, Settings, Watcher, cache,
    download::Job,
    request::{Failure, Requests},
};
use crate::error::{InputError, Result};

/// What messages call the list of a repository's files.
const LISTING: &str = "the list of files";
/// Limit on its size in bytes.
const MAX_LISTING: u64 = 16 << 20;

/// A client that downloads files of one repository from the hub.
#[derive(Debug)]
pub struct Client<'a> {
    requests: Requests<'a>,
    watcher: &'a Watcher,
}

impl<'a> Client<'a> {
    /// Creates a client for `repo`; does not connect yet.
    pub fn new(repo: &'a Repo, settings: &'a Settings, watcher: &'a Watcher) -> Self {
        Self { requests: Requests::new(repo, settings), watcher }
    }
}

impl Client<'_> {
    /// Requests the file `name` to find the current commit of the revision, and returns the cache folder of that
    /// commit.
    ///
    /// # Errors
    /// If there is no such file, or the hub refuses the request or cannot be reached.
    pub fn snapshot(&self, name: &str) -> Result<PathBuf> {
        self.find_snapshot(name)?.ok_or_else(|| self.missing(name).into())
    }

    /// As [`Client::snapshot`]; `None` if there is no such file.
    ///
    /// # Errors
    /// If the hub refuses the request or cannot be reached.
    pub fn find_snapshot(&self, name: &str) -> Result<Option<PathBuf>> {
        let Requests { repo, settings, .. } = self.requests;
        let answer = match self.requests.get(repo.revision(), name, 0) {
            Ok(answer) => answer,
            Err(Failure::Other(error)) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        let commit = answer.commit.filter(|commit| cache::is_commit(commit));
        let problem = "the server does not respond like the Hugging Face hub";
        let commit = commit.ok_or_else(|| self.requests.error(problem))?;
        Ok(Some(cache::snapshot(repo, settings, &commit)))
    }

    /// Records in the cache that the revision is the commit of `snapshot`; call it when all files are there.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn remember(&self, snapshot: &Path) -> Result<()> {
        cache::remember(self.requests.repo, self.requests.settings, commit_of(snapshot))
    }

    /// Returns whether the hub says that the repository has no file `name`.
    pub fn lacks(&self, name: &str) -> bool {
        matches!(self.requests.get(self.requests.repo.revision(), name, 0), Err(Failure::Missing))
    }

    /// Returns the names of all files of the repository.
    ///
    /// # Errors
    /// If the hub refuses the request, cannot be reached, or answers with anything but a list.
    pub fn names(&self) -> Result<Vec<String>> {
        #[derive(serde::Deserialize)]
        struct Listing {
            siblings: Vec<Sibling>,
        }
        #[derive(serde::Deserialize)]
        struct Sibling {
            rfilename: String,
        }
        let failed = |problem: String| self.requests.failed(LISTING, &problem);
        let answer = match self.requests.listing(LISTING) {
            Ok(answer) => answer,
            Err(Failure::Other(error)) => return Err(error.into()),
            Err(_) => return Err(failed("the hub has none".to_owned()).into()),
        };
        let body = answer.response.into_body().into_with_config().limit(MAX_LISTING).reader();
        let listing: Listing = serde_json::from_reader(body).map_err(|error| failed(error.to_string()))?;
        Ok(listing.siblings.into_iter().map(|sibling| sibling.rfilename).collect())
    }

    /// Returns the address of the file `name`.
    pub fn url(&self, name: &str) -> String {
        self.requests.address(self.requests.repo.revision(), name)
    }

    /// Creates an error about the repository.
    pub fn error(&self, problem: &str) -> InputError {
        self.requests.error(problem)
    }

    /// Downloads the file `name` into `snapshot` unless it is there.
    ///
    /// # Errors
    /// As [`Client::file`], or if the repository has no such file; `help` then says what to do.
    pub fn need(&self, snapshot: &Path, name: &str, help: &str) -> Result<()> {
        if self.file(snapshot, name)? { Ok(()) } else { Err(self.missing(name).help(help).into()) }
    }

    /// Downloads the file `name` into `snapshot` unless it is there; returns `false` if the repository has no such
    /// file.
    ///
    /// # Errors
    /// If the hub refuses the request, cannot be reached, or sends something else than it announces, or if the cache
    /// cannot be written.
    pub fn file(&self, snapshot: &Path, name: &str) -> Result<bool> {
        let target = snapshot.join(name);
        if target.is_file() {
            return Ok(true);
        }
        let Self { requests, watcher } = self;
        Job { requests, watcher, commit: commit_of(snapshot), name, target: &target }.run()
    }

    fn missing(&self, name: &str) -> InputError {
        self.requests.error(&format!("the repository has no {name}"))
    }
}

/// Returns the commit whose files are in `snapshot`.
fn commit_of(snapshot: &Path) -> &str {
    snapshot.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
