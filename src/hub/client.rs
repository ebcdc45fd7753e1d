//! Downloads from the hub into its cache.
//!
//! Files arrive under temporary names and are renamed when they are complete, so that a broken connection leaves no
//! half file behind that looks whole.

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

const MOST_REDIRECTS: usize = 8;
const CONNECT: Duration = Duration::from_secs(15);
/// Bytes between two reports.
const STEP: u64 = 4 << 20;

/// Somebody who can ask the hub for files of one repository.
#[derive(Debug)]
pub struct Client<'a> {
    agent: Agent,
    repo: &'a Repo,
    settings: &'a Settings,
    watcher: &'a Watcher,
}

/// A file on its way: the response with its body, and what the hub said before it pointed elsewhere.
struct Arriving {
    response: Response<Body>,
    commit: Option<String>,
    size: Option<u64>,
}

impl<'a> Client<'a> {
    /// Asks for files of `repo`; nothing is sent yet.
    pub fn new(repo: &'a Repo, settings: &'a Settings, watcher: &'a Watcher) -> Self {
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("partscope/", env!("CARGO_PKG_VERSION")));
        Self { agent: config.build().into(), repo, settings, watcher }
    }
}

impl Client<'_> {
    /// The folder of the commit that the revision means today, found out by asking for `name`.
    ///
    /// # Errors
    /// If there is no such file, or the hub refuses or cannot be reached.
    pub fn snapshot(&self, name: &str) -> Result<PathBuf> {
        let arriving = self.get(self.repo.revision(), name)?;
        let arriving = arriving.ok_or_else(|| self.wrong(&format!("the repository has no {name}")))?;
        let commit = arriving.commit.filter(|commit| cache::is_commit(commit));
        let commit = commit.ok_or_else(|| self.wrong("the server does not answer as the Hugging Face hub does"))?;
        Ok(cache::snapshot(self.repo, self.settings, &commit))
    }

    /// Notes that the revision means the commit of `snapshot`, whose files are complete.
    ///
    /// # Errors
    /// If the cache cannot be written.
    pub fn remember(&self, snapshot: &Path) -> Result<()> {
        cache::remember(self.repo, self.settings, commit_of(snapshot))
    }

    /// Fetches one file into `snapshot` unless it is there.
    ///
    /// # Errors
    /// If the repository has none; `cure` says what to do then.
    pub fn need(&self, snapshot: &Path, name: &str, cure: &str) -> Result<()> {
        if self.file(snapshot, name)? {
            return Ok(());
        }
        Err(self.wrong(&format!("the repository has no {name}")).cure(cure).into())
    }

    /// Fetches one file into `snapshot` unless it is there; `false` if the repository has none.
    ///
    /// # Errors
    /// If the hub refuses or cannot be reached, or the cache cannot be written.
    pub fn file(&self, snapshot: &Path, name: &str) -> Result<bool> {
        let path = snapshot.join(name);
        if path.is_file() {
            return Ok(true);
        }
        let Some(arriving) = self.get(commit_of(snapshot), name)? else { return Ok(false) };
        let failed = |source| Error::Write { path: path.clone(), source };
        let folder = path.parent().unwrap_or(snapshot);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
        self.receive(name, arriving, &mut file)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(true)
    }

    fn receive(&self, name: &str, arriving: Arriving, file: &mut NamedTempFile) -> Result<()> {
        let total = arriving.size.or_else(|| number(arriving.response.headers(), "content-length"));
        let mut body = arriving.response.into_body().into_reader();
        let (mut done, mut reported) = (0, 0);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = body.read(&mut buffer).map_err(|error| self.broken(name, &error.to_string()))?;
            if read == 0 {
                break;
            }
            let path = file.path().to_owned();
            file.write_all(&buffer[..read]).map_err(|source| Error::Write { path, source })?;
            done += read as u64;
            if done >= reported + STEP {
                reported = done;
                self.watcher.see(&Download { file: name, done, total });
            }
        }
        self.watcher.see(&Download { file: name, done, total });
        match total.filter(|&total| total != done) {
            Some(total) => Err(self.broken(name, &format!("{done} of {total} bytes arrived")).into()),
            None => Ok(()),
        }
    }

    /// Asks for a file, following the hub to where it is stored; `None` if the repository has no such file.
    fn get(&self, revision: &str, name: &str) -> Result<Option<Arriving>> {
        let revision = revision.replace('/', "%2F");
        let (endpoint, kind) = (&self.settings.endpoint, self.repo.kind.address());
        let mut url = format!("{endpoint}/{kind}{}/resolve/{revision}/{name}", self.repo.name);
        let (mut commit, mut size) = (None, None);
        for _ in 0..MOST_REDIRECTS {
            let mut request = self.agent.get(&url);
            if let Some(token) = self.settings.token.as_ref().filter(|_| self.is_hub(&url)) {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let response = request.call().map_err(|error| self.broken(name, &error.to_string()))?;
            commit = commit.or_else(|| text(response.headers(), "x-repo-commit"));
            size = size.or_else(|| number(response.headers(), "x-linked-size"));
            let target = text(response.headers(), "location");
            match (response.status().as_u16(), target) {
                (200, _) => return Ok(Some(Arriving { response, commit, size })),
                (301 | 302 | 303 | 307 | 308, Some(target)) => url = absolute(&url, target),
                (404, _) if lacks_only_file(response.headers()) => return Ok(None),
                (status, _) => return Err(self.refused(status, name).into()),
            }
        }
        Err(self.broken(name, "the server sends us in circles").into())
    }

    /// Tokens are shown to the hub only, not to where it stores files.
    fn is_hub(&self, url: &str) -> bool {
        url.strip_prefix(&self.settings.endpoint).is_some_and(|rest| rest.starts_with('/'))
    }

    fn refused(&self, status: u16, name: &str) -> InputError {
        let noun = self.repo.kind.noun();
        match status {
            401 | 403 => self
                .wrong(&format!("the hub refuses {name} (status {status}): the {noun} is private, gated, or not there"))
                .cure(format!("check the name, accept the {noun}'s terms on its page, and set HF_TOKEN")),
            404 => self
                .wrong(&format!("the hub has no revision `{}` of this {noun}", self.repo.revision()))
                .cure("check the name"),
            _ => self.wrong(&format!("the hub answers {name} with status {status}")).cure("try again later"),
        }
    }

    fn broken(&self, name: &str, problem: &str) -> InputError {
        self.wrong(&format!("cannot fetch {name}: {problem}"))
            .cure("check the connection and try again, or name a local folder")
    }

    fn wrong(&self, problem: &str) -> InputError {
        InputError::new(problem).path(format!("{}/{}{}", self.settings.endpoint, self.repo.kind.address(), self.repo))
    }
}

/// The commit whose files lie in `snapshot`.
fn commit_of(snapshot: &Path) -> &str {
    snapshot.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Whether a 404 is about the file and not about repository or revision.
fn lacks_only_file(headers: &HeaderMap) -> bool {
    text(headers, "x-error-code").is_none_or(|code| code == "EntryNotFound")
}

/// Where `target` leads, as seen from the page `from`.
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
