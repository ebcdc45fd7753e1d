//! Workers that start with their first request.

use std::{fmt, io};

/// A worker that is started when it is first needed. A start that fails is tried again with the next request.
pub struct Lazy<W> {
    start: Box<dyn Fn() -> Result<W, String>>,
    worker: Option<W>,
}

impl<W> Lazy<W> {
    /// The worker that `start` starts; `name` names it in the message if that fails.
    pub fn new(name: &'static str, start: impl Fn() -> io::Result<W> + 'static) -> Self {
        let start = move || start().map_err(|error| format!("could not start the {name} worker: {error}"));
        Self { start: Box::new(start), worker: None }
    }

    /// A worker that cannot be started, and why.
    pub fn unavailable(why: &'static str) -> Self {
        Self { start: Box::new(move || Err(why.to_owned())), worker: None }
    }

    /// The worker, started now if it does not run yet.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn get(&mut self) -> Result<&mut W, String> {
        match &mut self.worker {
            Some(worker) => Ok(worker),
            empty => Ok(empty.insert((self.start)()?)),
        }
    }

    /// The worker, if it was started.
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
    fn a_worker_starts_once_and_a_failed_start_is_tried_again() {
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
