//! The worker that lays what the same labels buy otherwise beside the mix: baselines and the other fits.

use std::{io, sync::Arc};

use crate::{
    analysis::baseline::{BaselineOptions, Outcome, outcomes},
    attribution::Attribution,
    cancel::Cancel,
    error::Error,
};

use super::{Tagged, Worker};

/// A run whose methods are to be scored.
#[derive(Clone, Debug)]
pub struct ScoreRequest {
    /// Comes back with the answer, so that it finds its way.
    pub sheet: u64,
    /// What the methods learn from.
    pub train: Arc<Attribution>,
    /// What they are scored on.
    pub test: Arc<Attribution>,
}

/// How the methods did.
#[derive(Clone, Debug, PartialEq)]
pub enum Scored {
    /// All of them.
    Done {
        /// From the request.
        sheet: u64,
        /// One entry a method, in the order of tables.
        outcomes: Vec<Outcome>,
    },
    /// Not at all, and why.
    Failed {
        /// From the request.
        sheet: u64,
        /// Why.
        why: String,
    },
    /// The scoring itself broke.
    Broken(String),
}

/// Starts the thread that scores; asking again cancels the request before.
///
/// # Errors
/// If the system gives no thread.
pub fn score_worker(listen: impl Fn(Tagged<Scored>) + Send + 'static) -> io::Result<Worker<ScoreRequest>> {
    let work = |(): &mut (), request: ScoreRequest, cancel: &Cancel, say: &mut dyn FnMut(Scored)| {
        let sheet = request.sheet;
        match outcomes(&request.train, &request.test, &BaselineOptions::default(), cancel) {
            Ok(outcomes) => say(Scored::Done { sheet, outcomes }),
            Err(Error::Cancelled) => {}
            Err(error) => say(Scored::Failed { sheet, why: error.to_string() }),
        }
    };
    Worker::spawn("score", || (), work, Scored::Broken, listen)
}
