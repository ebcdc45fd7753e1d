//! The worker that fits mixes, beside the model's, so that neither waits for the other.

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

/// A mix to be fitted.
#[derive(Clone, Debug)]
pub struct FitRequest {
    /// The run; echoed in the events.
    pub run: u64,
    /// The training split.
    pub table: Arc<Attribution>,
    /// By which method.
    pub method: Method,
}

/// Strengths of the penalty on a path, besides the one of the fit.
const PATH: usize = 24;

/// How a fit ended. Cancelled fits emit no event.
#[derive(Clone, Debug, PartialEq)]
pub enum FitEvent {
    /// It reached its optimum.
    Done {
        /// From the request.
        run: u64,
        /// The mix and how good it is.
        fit: Box<Fit>,
        /// How long it took.
        took: Duration,
    },
    /// The same method at other strengths of its penalty, strongest first; the fit is among them. Comes after `Done`,
    /// and not from methods without a path.
    Path {
        /// From the request.
        run: u64,
        /// The fits.
        fits: Vec<Fit>,
    },
    /// It failed, and why.
    Failed(String),
}

/// Starts the thread that fits; asking for another fit cancels the one before.
///
/// # Errors
/// If the system gives no thread.
pub fn fit_worker(listen: impl Fn(Tagged<FitEvent>) + Send + 'static) -> io::Result<Worker<FitRequest>> {
    let work = |(): &mut (), request: FitRequest, cancel: &Cancel, emit: &mut dyn FnMut(FitEvent)| match answer(
        &request, cancel, emit,
    ) {
        Ok(()) | Err(Error::Cancelled) => {}
        Err(error) => emit(FitEvent::Failed(error.to_string())),
    };
    Worker::spawn("fit", || (), work, FitEvent::Failed, listen)
}

fn answer(request: &FitRequest, cancel: &Cancel, emit: &mut dyn FnMut(FitEvent)) -> Result<()> {
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

    fn ask(method: Method, answers: usize) -> Vec<FitEvent> {
        let shape = Shape { layers: 1, heads: 1, labels: 2 };
        let mut table = Attribution::new(shape, vec![0, 1]);
        let components = vec![1.0, 0.0, 0.0, 1.0, 0.3, 0.1, 0.4, 0.2];
        table.push(&Batch { examples: 2, components, rest: vec![0.0; 4], full: vec![1.3, 0.1, 0.4, 1.2] });
        let (listen, events) = channel();
        let mut worker = fit_worker(move |event| drop(listen.send(event))).unwrap();
        worker.submit(3, FitRequest { run: 7, table: Arc::new(table), method });
        let answers = (0..answers).map(|_| {
            let told: Tagged<FitEvent> = events.recv_timeout(Duration::from_secs(20)).unwrap();
            assert_eq!(told.generation, 3);
            told.event
        });
        answers.collect()
    }

    #[test]
    fn a_fit_comes_back_with_the_sheet_it_is_for_and_then_its_path() {
        let told = ask(Method::Convex, 2);
        let [FitEvent::Done { run: 7, fit, .. }, FitEvent::Path { run: 7, fits }] = &told[..] else {
            panic!("{told:?}")
        };
        assert!(fit.mix.weights[0] > 1.0 && fits.contains(fit));
    }

    #[test]
    fn what_cannot_be_fitted_is_told() {
        let told = ask(Method::Vote, 1);
        assert!(matches!(&told[0], FitEvent::Failed(message) if message.contains("vote")));
    }
}
