//! Downloads from the hub into its cache.
//!
//! Files are downloaded under temporary names and renamed when complete, so that a broken connection leaves no partial
//! file that looks complete.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::NamedTempFile;
use ureq::{
    Agent, Body,
    http::{HeaderMap, Response},
};

use super::{Download, Repo, Settings, Watcher, cache};
use crate::error::{Error, InputError, Result};

/// Limit on the size of a list of files in bytes.
const MAX_LISTING: u64 = 16 << 20;
const MAX_REDIRECTS: usize = 8;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes between two progress reports.
const REPORT_EVERY: u64 = 4 << 20;

/// A client that downloads files of one repository from the hub.
#[derive(Debug)]
pub struct Client<'a> {
    agent: Agent,
    repo: &'a Repo,
    settings: &'a Settings,
    watcher: &'a Watcher,
}

/// The response with a file, and the commit and size that the hub gave before redirecting.
struct FileResponse {
    response: Response<Body>,
    commit: Option<String>,
    size: Option<u64>,
}

impl<'a> Client<'a> {
    /// Creates a client for `repo`; does not connect yet.
    pub fn new(repo: &'a Repo, settings: &'a Settings, watcher: &'a Watcher) -> Self {
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("partscope/", env!("CARGO_PKG_VERSION")));
        Self { agent: config.build().into(), repo, settings, watcher }
    }
}

impl Client<'_> {
    /// Requests the file `name` to find the current commit of the revision, and returns the cache folder of that
    /// commit.
    ///
    /// # Errors
    /// If there is no such file, or the hub refuses the request or cannot be reached.
    pub fn snapshot(&self, name: &str) -> Result<PathBuf> {
        let file_response = self.get(self.repo.revision(), name)?;
        let file_response = file_response.ok_or_else(|| self.error(&format!("the repository has no {name}")))?;
        let commit = file_response.commit.filter(|commit| cache::is_commit(commit));
        let commit = commit.ok_or_else(|| self.error("the server does not respond like the Hugging Face hub"))?;
        Ok(cache::snapshot(self.repo, self.settings, &commit))
    }

    /// Records in the cache that the revision is the commit of `snapshot`; call it when all files are there.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn remember(&self, snapshot: &Path) -> Result<()> {
        cache::remember(self.repo, self.settings, commit_of(snapshot))
    }

    /// Returns whether the hub says that the repository has no file `name`.
    pub fn lacks(&self, name: &str) -> bool {
        matches!(self.get(self.repo.revision(), name), Ok(None))
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
        let (endpoint, kind) = (&self.settings.endpoint, self.repo.kind.folder());
        let revision = self.repo.revision().replace('/', "%2F");
        let mut request = self.agent.get(format!("{endpoint}/api/{kind}/{}/revision/{revision}", self.repo.name));
        if let Some(token) = &self.settings.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let failed = |problem: String| Error::from(self.failed("the list of files", &problem));
        let response = request.call().map_err(|error| failed(error.to_string()))?;
        let body = response.into_body().into_with_config().limit(MAX_LISTING).reader();
        let listing: Listing = serde_json::from_reader(body).map_err(|error| failed(error.to_string()))?;
        Ok(listing.siblings.into_iter().map(|sibling| sibling.rfilename).collect())
    }

    /// Returns the address of the file `name`.
    pub fn url(&self, name: &str) -> String {
        let revision = self.repo.revision().replace('/', "%2F");
        self.address(&revision, name)
    }

    /// Downloads the file `name` into `snapshot` unless it is there.
    ///
    /// # Errors
    /// As [`Client::file`], or if the repository has no such file; `help` then says what to do.
    pub fn need(&self, snapshot: &Path, name: &str, help: &str) -> Result<()> {
        if self.file(snapshot, name)? {
            return Ok(());
        }
        Err(self.error(&format!("the repository has no {name}")).help(help).into())
    }

    /// Downloads the file `name` into `snapshot` unless it is there; returns `false` if the repository has no such
    /// file.
    ///
    /// # Errors
    /// If the hub refuses the request or cannot be reached, or the cache cannot be written.
    pub fn file(&self, snapshot: &Path, name: &str) -> Result<bool> {
        let path = snapshot.join(name);
        if path.is_file() {
            return Ok(true);
        }
        let Some(file_response) = self.get(commit_of(snapshot), name)? else { return Ok(false) };
        let failed = |source| Error::Write { path: path.clone(), source };
        let folder = path.parent().unwrap_or(snapshot);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
        self.receive(name, file_response, &mut file)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(true)
    }

    fn receive(&self, name: &str, file_response: FileResponse, file: &mut NamedTempFile) -> Result<()> {
        let total = file_response.size.or_else(|| number(file_response.response.headers(), "content-length"));
        let mut body = file_response.response.into_body().into_reader();
        let (mut done, mut reported) = (0, 0);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = body.read(&mut buffer).map_err(|error| self.failed(name, &error.to_string()))?;
            if read == 0 {
                break;
            }
            let path = file.path().to_owned();
            file.write_all(&buffer[..read]).map_err(|source| Error::Write { path, source })?;
            done += read as u64;
            if done >= reported + REPORT_EVERY {
                reported = done;
                self.watcher.report(&Download { file: name, done, total });
            }
        }
        self.watcher.report(&Download { file: name, done, total });
        match total.filter(|&total| total != done) {
            Some(total) => Err(self.failed(name, &format!("received {done} of {total} bytes")).into()),
            None => Ok(()),
        }
    }

    fn address(&self, revision: &str, name: &str) -> String {
        let (endpoint, kind) = (&self.settings.endpoint, self.repo.kind.address());
        format!("{endpoint}/{kind}{}/resolve/{revision}/{name}", self.repo.name)
    }

    /// Requests a file, following redirects; `None` if the repository has no such file.
    fn get(&self, revision: &str, name: &str) -> Result<Option<FileResponse>> {
        let mut url = self.address(&revision.replace('/', "%2F"), name);
        let (mut commit, mut size) = (None, None);
        for _ in 0..MAX_REDIRECTS {
            let mut request = self.agent.get(&url);
            if let Some(token) = self.settings.token.as_ref().filter(|_| self.is_hub(&url)) {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let response = request.call().map_err(|error| self.failed(name, &error.to_string()))?;
            commit = commit.or_else(|| text(response.headers(), "x-repo-commit"));
            size = size.or_else(|| number(response.headers(), "x-linked-size"));
            let target = text(response.headers(), "location");
            match (response.status().as_u16(), target) {
                (200, _) => return Ok(Some(FileResponse { response, commit, size })),
                (301 | 302 | 303 | 307 | 308, Some(target)) => url = absolute(&url, target),
                (404, _) if is_missing_file(response.headers()) => return Ok(None),
                (status, _) => return Err(self.refused(status, name).into()),
            }
        }
        Err(self.failed(name, "too many redirects").into())
    }

    /// Returns whether `url` is on the hub itself; the token is not sent to the servers that it redirects to.
    fn is_hub(&self, url: &str) -> bool {
        url.strip_prefix(&self.settings.endpoint).is_some_and(|rest| rest.starts_with('/'))
    }

    fn refused(&self, status: u16, name: &str) -> InputError {
        let noun = self.repo.kind.noun();
        match status {
            401 | 403 => self
                .error(&format!(
                    "the hub refuses {name} (status {status}): the {noun} is private, gated, or does not exist"
                ))
                .help(format!("check the name, accept the {noun}'s terms on its page, and set HF_TOKEN")),
            404 => self
                .error(&format!("the hub has no revision `{}` of this {noun}", self.repo.revision()))
                .help("check the name"),
            _ => self
                .error(&format!("the hub responds with status {status} to the request for {name}"))
                .help("try again later"),
        }
    }

    fn failed(&self, name: &str, problem: &str) -> InputError {
        self.error(&format!("cannot fetch {name}: {problem}"))
            .help("check the connection and try again, or name a local folder")
    }

    /// Creates an error about the repository.
    pub fn error(&self, problem: &str) -> InputError {
        InputError::new(problem).path(format!("{}/{}{}", self.settings.endpoint, self.repo.kind.address(), self.repo))
    }
}

/// Returns the commit whose files are in `snapshot`.
fn commit_of(snapshot: &Path) -> &str {
    snapshot.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Returns whether a 404 means a missing file, not a missing repository or revision.
fn is_missing_file(headers: &HeaderMap) -> bool {
    text(headers, "x-error-code").is_none_or(|code| code == "EntryNotFound")
}

/// Resolves the redirect `target` relative to the URL `from`.
fn absolute(from: &str, target: String) -> String {
    if !target.starts_with('/') {
        return target;
    }
    let host_end = from.find("://").map_or(0, |at| at + 3);
    let path = from[host_end..].find('/').map_or(from.len(), |at| host_end + at);
    format!("{}{target}", &from[..path])
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}
