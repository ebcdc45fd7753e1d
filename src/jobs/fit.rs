//! Worker that fits mixes, separate from the model worker so that neither waits for the other.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    analysis::{
        Fit, Method,
        reweight::{fit_by, path_of},
    },
    attribution::Attribution,
    cancel::Cancel,
    error::{Error, Result},
};

use super::{Tagged, Worker};

/// A request to fit a mix.
#[derive(Clone, Debug)]
pub struct FitRequest {
    /// Id of the run; echoed in the events.
    pub run: u64,
    /// Training split.
    pub table: Arc<Attribution>,
    /// Fitting method.
    pub method: Method,
}

/// Penalty strengths on a path, in addition to that of the fit.
const PATH: usize = 24;

/// Result of a fit. Cancelled fits emit no event.
#[derive(Clone, Debug, PartialEq)]
pub enum FitEvent {
    /// The fit converged.
    Done {
        /// Id from the request.
        run: u64,
        /// The fit.
        fit: Box<Fit>,
        /// Time taken.
        took: Duration,
    },
    /// Fits by the same method at several penalty strengths, strongest first, including the original fit. Follows
    /// `Done`; not emitted by methods without a path.
    Path {
        /// Id from the request.
        run: u64,
        /// The fits.
        fits: Vec<Fit>,
    },
    /// The error message of a failed fit.
    Failed(String),
}

/// Starts the worker; a new request cancels the previous one.
///
/// # Errors
/// If the thread cannot be started.
pub fn fit_worker(listen: impl Fn(Tagged<FitEvent>) + Send + 'static) -> io::Result<Worker<FitRequest>> {
    let work = |(): &mut (), request: FitRequest, cancel: &Cancel, emit: &mut dyn FnMut(FitEvent)| match fit_with_path(
        &request, cancel, emit,
    ) {
        Ok(()) | Err(Error::Cancelled) => {}
        Err(error) => emit(FitEvent::Failed(error.to_string())),
    };
    Worker::spawn("fit", || (), work, FitEvent::Failed, listen)
}

fn fit_with_path(request: &FitRequest, cancel: &Cancel, emit: &mut dyn FnMut(FitEvent)) -> Result<()> {
    let (run, start) = (request.run, Instant::now());
    let fit = fit_by(request.method, &request.table, cancel)?;
    emit(FitEvent::Done { run, fit: Box::new(fit.clone()), took: start.elapsed() });
    if let Some(fits) = path_of(&fit, &request.table, PATH, cancel)? {
        emit(FitEvent::Path { run, fits });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::{attribution::Batch, component::Shape};

    /// Fits two examples and returns the first `count` events.
    fn events(method: Method, count: usize) -> Vec<FitEvent> {
        let shape = Shape { layers: 1, heads: 1, labels: 2 };
        let mut table = Attribution::new(shape, vec![0, 1]);
        let components = vec![1.0, 0.0, 0.0, 1.0, 0.3, 0.1, 0.4, 0.2];
        table.push(&Batch {
            examples: 2,
            components,
            rest: vec![0.0; 4],
            full: vec![1.3, 0.1, 0.4, 1.2],
            norms: Vec::new(),
        });
        let (listen, inbox) = channel();
        let mut worker = fit_worker(move |event| drop(listen.send(event))).unwrap();
        worker.submit(3, FitRequest { run: 7, table: Arc::new(table), method });
        let events = (0..count).map(|_| {
            let tagged: Tagged<FitEvent> = inbox.recv_timeout(Duration::from_secs(20)).unwrap();
            assert_eq!(tagged.generation, 3);
            tagged.event
        });
        events.collect()
    }

    #[test]
    fn a_fit_is_followed_by_its_path() {
        let events = events(Method::Convex, 2);
        let [FitEvent::Done { run: 7, fit, .. }, FitEvent::Path { run: 7, fits }] = &events[..] else {
            panic!("{events:?}")
        };
        assert!(fit.mix.weights[0] > 1.0 && fits.contains(fit));
    }

    #[test]
    fn a_failed_fit_emits_its_error() {
        let events = events(Method::Vote, 1);
        assert!(matches!(&events[0], FitEvent::Failed(message) if message.contains("vote")));
    }
}
