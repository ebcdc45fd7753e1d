//! Receives one file: within limits, continued after a break, and checked before it gets its name.

use std::{
    io::{self, Read},
    path::Path,
    time::Instant,
};

use super::{
    Download, Watcher,
    partial::Partial,
    request::{Answer, Failure, Requests},
};
use crate::{
    error::{Error, InputError, Result},
    size::format_size,
};

/// Bytes between two progress reports.
const REPORT_EVERY: u64 = 4 << 20;
/// A server that sends fewer bytes in the time that it may be silent counts as silent.
const FEWEST: u64 = 1 << 10;
/// Largest file of which the server does not say the size, and largest file of a model that is read as a whole.
const LARGEST_UNSIZED: u64 = 128_000_000;
/// Largest file.
const LARGEST: u64 = 1_000_000_000_000;
/// Ends of the names of files that are read as a whole, such as config.json.
const READ_AS_A_WHOLE: [&str; 2] = [".json", ".jinja"];

/// A file of a repository, and where it is to be.
pub(super) struct Job<'a> {
    pub(super) requests: &'a Requests<'a>,
    pub(super) watcher: &'a Watcher,
    pub(super) commit: &'a str,
    pub(super) name: &'a str,
    pub(super) target: &'a Path,
}

/// Why a file is not complete.
enum Break {
    /// The connection broke, and the rest may come over another one.
    Connection(InputError),
    Final(Error),
}

impl From<InputError> for Break {
    fn from(error: InputError) -> Self {
        Self::Final(error.into())
    }
}

impl From<Error> for Break {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl Job<'_> {
    /// Downloads the file; returns `false` if the repository has no such file.
    pub(super) fn run(&self) -> Result<bool> {
        let first = match self.requests.get(self.commit, self.name, 0) {
            Ok(answer) => answer,
            Err(Failure::Missing) => return Ok(false),
            Err(Failure::Beyond) => return Err(self.failed("the server has no such part of it").into()),
            Err(Failure::Other(error)) => return Err(error.into()),
        };
        self.check_size(&first)?;
        let (size, hash) = (first.size, first.hash.clone());
        let mut partial = Partial::open(self.target, hash.as_ref()).map_err(|source| self.write_error(source))?;
        if size.is_some_and(|size| partial.length() > size) {
            partial.restart().map_err(|source| self.write_error(source))?;
        }
        let mut answer = (partial.length() == 0).then_some(first);
        let mut started_again = false;
        loop {
            let before = partial.length();
            let attempt = self.attempt(answer.take(), size, &mut partial);
            let complete = attempt.and_then(|()| self.check(size, &mut partial, hash.as_ref()));
            match complete {
                Ok(true) => break,
                Ok(false) if before > 0 && !started_again => {
                    started_again = true;
                    partial.restart().map_err(|source| self.write_error(source))?;
                }
                Ok(false) => {
                    let problem = "the bytes received do not have the hash that the hub announces";
                    return Err(self.failed(problem).into());
                }
                Err(Break::Connection(_)) if partial.is_resumable() && partial.length() >= before + FEWEST => {}
                Err(Break::Connection(error)) => {
                    partial.interrupt();
                    return Err(error.into());
                }
                Err(Break::Final(error)) => return Err(error),
            }
        }
        partial.complete(self.target).map_err(|source| self.write_error(source))?;
        Ok(true)
    }

    /// Receives what the file lacks, from `answer` or else from a new request.
    fn attempt(&self, answer: Option<Answer>, size: Option<u64>, partial: &mut Partial) -> Result<(), Break> {
        if size == Some(partial.length()) && partial.length() > 0 {
            return Ok(());
        }
        let answer = match answer.map_or_else(|| self.requests.get(self.commit, self.name, partial.length()), Ok) {
            Ok(answer) => answer,
            Err(Failure::Missing | Failure::Beyond) => {
                return Err(self.failed("the server no longer has the rest of it").into());
            }
            Err(Failure::Other(error)) => return Err(Break::Connection(error)),
        };
        if answer.start != partial.length() {
            if answer.start > 0 {
                return Err(self.failed("the server sends another part than requested").into());
            }
            partial.restart().map_err(|source| self.write_error(source))?;
        }
        self.receive(answer, size, partial)
    }

    fn receive(&self, answer: Answer, size: Option<u64>, partial: &mut Partial) -> Result<(), Break> {
        let most = size.unwrap_or(LARGEST_UNSIZED);
        let mut body = answer.response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        let mut reported = partial.length();
        let (mut since, mut at) = (Instant::now(), partial.length());
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.broken(&error)),
            };
            if partial.length() + read as u64 > most {
                let problem = match size {
                    Some(size) => format!("the server sends more than the {size} bytes that it announces"),
                    None => format!("the server sends more than {} and does not say how much", format_size(most)),
                };
                return Err(self.failed(&problem).into());
            }
            partial.add(&buffer[..read]).map_err(|source| self.write_error(source))?;
            let done = partial.length();
            if done >= reported + REPORT_EVERY {
                reported = done;
                self.watcher.report(&Download { file: self.name, done, total: size });
            }
            if done >= at + FEWEST || Some(done) == size {
                (since, at) = (Instant::now(), done);
            } else if since.elapsed() > self.requests.settings.patience {
                return Err(Break::Connection(self.failed(&self.requests.silence())));
            }
        }
        let done = partial.length();
        self.watcher.report(&Download { file: self.name, done, total: size });
        match size.filter(|&size| size != done) {
            Some(size) => Err(Break::Connection(self.failed(&format!("received {done} of {size} bytes")))),
            None => Ok(()),
        }
    }

    fn broken(&self, error: &io::Error) -> Break {
        let silent = error.kind() == io::ErrorKind::TimedOut || error.to_string().starts_with("timeout");
        let problem = if silent { self.requests.silence() } else { error.to_string() };
        Break::Connection(self.failed(&problem))
    }

    /// Returns whether the file has its hash, if that is known.
    fn check(
        &self,
        size: Option<u64>,
        partial: &mut Partial,
        hash: Option<&super::digest::Hash>,
    ) -> Result<bool, Break> {
        match hash {
            Some(hash) => Ok(partial.has(hash).map_err(|source| self.write_error(source))?),
            None if size.is_none() => {
                Err(self.failed("the server says neither its size nor its hash, so that it may be incomplete").into())
            }
            None => Ok(true),
        }
    }

    /// Refuses a file that is too large, before anything is received.
    fn check_size(&self, answer: &Answer) -> Result<()> {
        let whole = READ_AS_A_WHOLE.iter().any(|end| self.name.ends_with(end));
        let most = if whole { LARGEST_UNSIZED } else { LARGEST };
        match answer.size.filter(|&size| size > most) {
            None => Ok(()),
            Some(size) => {
                let (size, most) = (format_size(size), format_size(most));
                Err(self.failed(&format!("it has {size}; such a file has at most {most}")).into())
            }
        }
    }

    fn failed(&self, problem: &str) -> InputError {
        self.requests.failed(self.name, problem)
    }

    fn write_error(&self, source: io::Error) -> Error {
        Error::Write { path: self.target.to_owned(), source }
    }
}
