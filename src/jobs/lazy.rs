//! Workers that start on their first request.

use std::{fmt, io};

/// A worker started on first use. A failed start is retried on the next request.
pub struct Lazy<W> {
    start: Box<dyn Fn() -> Result<W, String>>,
    worker: Option<W>,
}

impl<W> Lazy<W> {
    /// Creates a worker that `start` will start; `name` appears in the error message.
    pub fn new(name: &'static str, start: impl Fn() -> io::Result<W> + 'static) -> Self {
        let start = move || start().map_err(|error| format!("could not start the {name} worker: {error}"));
        Self { start: Box::new(start), worker: None }
    }

    /// Creates a worker whose start always fails with the message `why`.
    pub fn unavailable(why: &'static str) -> Self {
        Self { start: Box::new(move || Err(why.to_owned())), worker: None }
    }

    /// Returns the worker and starts it if necessary.
    ///
    /// # Errors
    /// If the worker cannot be started.
    pub fn get(&mut self) -> Result<&mut W, String> {
        match &mut self.worker {
            Some(worker) => Ok(worker),
            empty => Ok(empty.insert((self.start)()?)),
        }
    }

    /// Returns the worker if it is running.
    pub const fn started(&self) -> Option<&W> {
        self.worker.as_ref()
    }
}

impl<W: fmt::Debug> fmt::Debug for Lazy<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lazy").field("worker", &self.worker).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_worker_starts_once_and_a_failed_start_is_retried() {
        let starts = std::rc::Rc::new(Cell::new(0));
        let counted = starts.clone();
        let mut worker = Lazy::new("test", move || {
            counted.set(counted.get() + 1);
            if counted.get() == 1 { Err(io::Error::other("no thread")) } else { Ok(counted.get()) }
        });
        assert_eq!(worker.get().unwrap_err(), "could not start the test worker: no thread");
        assert_eq!(worker.started(), None);
        assert_eq!((*worker.get().unwrap(), *worker.get().unwrap(), starts.get()), (2, 2, 2));
    }
}
