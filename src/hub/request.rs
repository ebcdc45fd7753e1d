//! Requests for the files of a repository, with redirects.
//!
//! The token goes to the hub itself and to no other server. A server that is silent for too long is given up, whether it
//! has not answered yet or stops in the middle.

use std::time::{Duration, Instant};

use ureq::{
    Agent, Body,
    http::{HeaderMap, Response},
};

use super::{Repo, Settings, address, digest::Hash};
use crate::error::InputError;

const MAX_REDIRECTS: usize = 8;

/// Sends requests for files of one repository.
#[derive(Debug)]
pub(super) struct Requests<'a> {
    agent: Agent,
    pub(super) repo: &'a Repo,
    pub(super) settings: &'a Settings,
}

/// The answer to the request for a file.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: Response<Body>,
    /// The commit, as the hub itself says.
    pub(super) commit: Option<String>,
    /// The size of the file, as the hub itself or else the last server says.
    pub(super) size: Option<u64>,
    /// The hash of the file, as the hub itself says.
    pub(super) hash: Option<Hash>,
    /// Position in the file of the first byte of the body.
    pub(super) start: u64,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The repository has no such file.
    Missing,
    /// The file has no byte at the requested position.
    Beyond,
    Other(InputError),
}

impl<'a> Requests<'a> {
    pub(super) fn new(repo: &'a Repo, settings: &'a Settings) -> Self {
        let patience = Some(settings.patience);
        let config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_per_read(patience)
            .timeout_per_write(patience)
            .timeout_send_request(patience)
            .user_agent(concat!("partscope/", env!("CARGO_PKG_VERSION")));
        Self { agent: config.build().into(), repo, settings }
    }

    /// Requests the bytes of a file from `start` on.
    pub(super) fn get(&self, revision: &str, name: &str, start: u64) -> Result<Answer, Failure> {
        self.follow(self.address(revision, name), name, start)
    }

    /// Requests the description of the repository, which lists its files; errors call it `name`.
    pub(super) fn listing(&self, name: &str) -> Result<Answer, Failure> {
        let (endpoint, kind) = (&self.settings.endpoint, self.repo.kind.folder());
        let revision = self.repo.revision().replace('/', "%2F");
        self.follow(format!("{endpoint}/api/{kind}/{}/revision/{revision}", self.repo.name), name, 0)
    }

    /// Returns the address of a file.
    pub(super) fn address(&self, revision: &str, name: &str) -> String {
        let revision = revision.replace('/', "%2F");
        let (endpoint, kind) = (&self.settings.endpoint, self.repo.kind.address());
        format!("{endpoint}/{kind}{}/resolve/{revision}/{name}", self.repo.name)
    }

    /// Requests what is at `url` and follows redirects; errors call it `name`. All answers together may take as long as
    /// the settings say.
    fn follow(&self, mut url: String, name: &str, start: u64) -> Result<Answer, Failure> {
        let (mut commit, mut size, mut hash) = (None, None, None);
        let deadline = Instant::now() + self.settings.patience;
        for _ in 0..=MAX_REDIRECTS {
            let is_hub = self.is_hub(&url);
            let response = self.send(&url, is_hub, start, deadline).map_err(|error| self.failed(name, &error))?;
            let headers = response.headers();
            if is_hub {
                commit = commit.or_else(|| text(headers, "x-repo-commit"));
                size = size.or_else(|| number(headers, "x-linked-size"));
                let tag = text(headers, "x-linked-etag").or_else(|| text(headers, "etag"));
                hash = hash.or_else(|| Hash::from_tag(&tag?));
            }
            let (status, target) = (response.status().as_u16(), text(headers, "location"));
            let (start, total) = match (status, target) {
                (200, _) => (0, number(headers, "content-length")),
                (206, _) if start > 0 => self.range(name, headers)?,
                (301 | 302 | 303 | 307 | 308, Some(target)) => {
                    let next = address::resolve(&url, &target);
                    let problem = "the server redirects to an address that is not https or http";
                    url = next.ok_or_else(|| self.failed(name, problem))?;
                    continue;
                }
                (404, _) if is_missing_file(headers) => return Err(Failure::Missing),
                (416, _) if start > 0 => return Err(Failure::Beyond),
                (status, _) => return Err(self.refused(status, name).into()),
            };
            if let (Some(size), Some(total)) = (size, total)
                && size != total
            {
                let problem = format!("the server sends {total} bytes, but the hub says {size}");
                return Err(self.failed(name, &problem).into());
            }
            return Ok(Answer { response, commit, size: size.or(total), hash, start });
        }
        Err(self.failed(name, "too many redirects").into())
    }

    fn send(&self, url: &str, is_hub: bool, start: u64, deadline: Instant) -> Result<Response<Body>, String> {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let mut request = self.agent.get(url);
        if let Some(token) = self.settings.token.as_ref().filter(|_| is_hub) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if start > 0 {
            request = request.header("range", format!("bytes={start}-"));
        }
        let limits = request.config().timeout_resolve(Some(left)).timeout_connect(Some(left));
        let request = limits.timeout_recv_response(Some(left)).build();
        request.call().map_err(|error| match error {
            ureq::Error::Timeout(_) => self.silence(),
            other => other.to_string(),
        })
    }

    /// Says that a server was silent for too long.
    pub(super) fn silence(&self) -> String {
        let seconds = self.settings.patience.as_secs_f64();
        format!("the server was silent for {seconds} s; HF_HUB_DOWNLOAD_TIMEOUT=60 waits longer")
    }

    /// Returns the first position and the size that the header `content-range` gives.
    fn range(&self, name: &str, headers: &HeaderMap) -> Result<(u64, Option<u64>), InputError> {
        let header = text(headers, "content-range").unwrap_or_default();
        let (range, total) = header.strip_prefix("bytes ").and_then(|rest| rest.split_once('/')).unwrap_or_default();
        let first = range.split_once('-').and_then(|(first, _)| first.parse().ok());
        let first = first.ok_or_else(|| self.failed(name, "the server sends a part without its position"))?;
        Ok((first, total.parse().ok()))
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

    pub(super) fn failed(&self, name: &str, problem: &str) -> InputError {
        self.error(&format!("cannot fetch {name}: {problem}"))
            .help("check the connection and try again, or name a local folder")
    }

    pub(super) fn error(&self, problem: &str) -> InputError {
        InputError::new(problem).path(format!("{}/{}{}", self.settings.endpoint, self.repo.kind.address(), self.repo))
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::Other(error)
    }
}

/// Returns whether a 404 means a missing file, not a missing repository or revision.
fn is_missing_file(headers: &HeaderMap) -> bool {
    text(headers, "x-error-code").is_none_or(|code| code == "EntryNotFound")
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}
