//! The worker that fits mixes, beside the model's, so that neither waits for the other.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    analysis::{Fit, FitOptions, fit},
    attribution::Attribution,
    cancel::Cancel,
    error::Error,
};

use super::{Tagged, Worker};

/// A mix to be fitted.
#[derive(Clone, Debug)]
pub struct FitRequest {
    /// Comes back with the answer, so that it finds its way.
    pub sheet: u64,
    /// The training split.
    pub table: Arc<Attribution>,
    /// What to minimise.
    pub options: FitOptions,
}

/// How a fit ended. A cancelled one says nothing: whoever cancelled it knows.
#[derive(Clone, Debug, PartialEq)]
pub enum FitEvent {
    /// It reached its optimum.
    Done {
        /// From the request.
        sheet: u64,
        /// The mix and how good it is.
        fit: Box<Fit>,
        /// How long it took.
        took: Duration,
    },
    /// It failed, and why.
    Failed(String),
}

/// Starts the thread that fits; asking for another fit cancels the one before.
///
/// # Errors
/// If the system gives no thread.
pub fn fit_worker(listen: impl Fn(Tagged<FitEvent>) + Send + 'static) -> io::Result<Worker<FitRequest>> {
    let work = |(): &mut (), request: FitRequest, cancel: &Cancel, say: &mut dyn FnMut(FitEvent)| {
        answer(&request, cancel).into_iter().for_each(say);
    };
    Worker::spawn("fit", || (), work, FitEvent::Failed, listen)
}

fn answer(request: &FitRequest, cancel: &Cancel) -> Option<FitEvent> {
    let (sheet, start) = (request.sheet, Instant::now());
    match fit(&request.table, &request.options, cancel) {
        Ok(fit) => Some(FitEvent::Done { sheet, fit: Box::new(fit), took: start.elapsed() }),
        Err(Error::Cancelled) => None,
        Err(error) => Some(FitEvent::Failed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::{analysis::Lambda, attribution::Batch, component::Shape};

    fn ask(options: FitOptions) -> FitEvent {
        let shape = Shape { layers: 1, heads: 1, labels: 2 };
        let mut table = Attribution::new(shape, vec![0, 1]);
        let components = vec![1.0, 0.0, 0.0, 1.0, 0.3, 0.1, 0.4, 0.2];
        table.push(&Batch { examples: 2, components, rest: vec![0.0; 4], full: vec![1.3, 0.1, 0.4, 1.2] });
        let (listen, events) = channel();
        let mut worker = fit_worker(move |event| drop(listen.send(event))).unwrap();
        let generation = worker.submit(FitRequest { sheet: 7, table: Arc::new(table), options });
        let told = events.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(told.generation, generation);
        told.event
    }

    #[test]
    fn a_fit_comes_back_with_the_sheet_it_is_for() {
        let FitEvent::Done { sheet, fit, .. } = ask(FitOptions::default()) else { panic!("it fails") };
        assert_eq!(sheet, 7);
        assert!(fit.mix.weights[0] > 1.0);
    }

    #[test]
    fn what_cannot_be_fitted_is_told() {
        let event = ask(FitOptions { lambda: Lambda::Fixed(-1.0), ..FitOptions::default() });
        assert!(matches!(event, FitEvent::Failed(message) if message.contains("lambda")));
    }
}
