//! A worker thread that handles requests of one type, newest first.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use crate::cancel::Cancel;

/// An event tagged with the generation of its request.
///
/// Listeners drop events whose generation is not the newest: their request was replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged<E> {
    /// The generation passed to [`Worker::submit`].
    pub generation: u64,
    /// The event.
    pub event: E,
}

struct Job<R> {
    generation: u64,
    request: R,
    cancel: Cancel,
}

/// Handle of a worker thread that handles requests of type `R`.
///
/// Submitting a request cancels the current job. Dropping the handle cancels it too and ends the thread.
#[derive(Debug)]
pub struct Worker<R> {
    jobs: Sender<Job<R>>,
    current: Cancel,
}

impl<R: Send + 'static> Worker<R> {
    /// Starts a thread called `name`. The thread creates its own `state`; `work` handles one request.
    ///
    /// Events emitted through the last argument of `work` are passed to `listen`, tagged with the generation. A panic
    /// in `work` is caught and emitted as `failed`, and the thread continues with a new state.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn spawn<S, E>(
        name: &str,
        state: impl Fn() -> S + Send + 'static,
        mut work: impl FnMut(&mut S, R, &Cancel, &mut dyn FnMut(E)) + Send + 'static,
        failed: impl Fn(String) -> E + Send + 'static,
        listen: impl Fn(Tagged<E>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, inbox) = channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut current = state();
            while let Some(Job { generation, request, cancel }) = newest(&inbox) {
                let mut emit = |event| listen(Tagged { generation, event });
                let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut current, request, &cancel, &mut emit)));
                if let Err(panic) = outcome {
                    emit(failed(panic_message(panic.as_ref())));
                    current = state();
                }
            }
        })?;
        Ok(Self { jobs, current: Cancel::default() })
    }

    /// Cancels the current job and queues `request`; its events carry `generation`.
    pub fn submit(&mut self, generation: u64, request: R) {
        self.current.cancel();
        self.current = Cancel::default();
        // Sending fails only if the thread is gone; panics of jobs do not end it.
        let _ = self.jobs.send(Job { generation, request, cancel: self.current.clone() });
    }

    /// Cancels the current job.
    pub fn cancel(&self) {
        self.current.cancel();
    }
}

impl<R> Drop for Worker<R> {
    fn drop(&mut self) {
        self.current.cancel();
    }
}

/// Waits for a job and returns the newest one queued; `None` once the handle is dropped.
fn newest<R>(inbox: &Receiver<Job<R>>) -> Option<Job<R>> {
    let mut job = inbox.recv().ok()?;
    while let Ok(later) = inbox.try_recv() {
        job = later;
    }
    Some(job)
}

pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a bug in partscope stopped this task: {}", text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn wait_for<E>(events: &Receiver<Tagged<E>>) -> Tagged<E> {
        events.recv_timeout(Duration::from_secs(20)).expect("the worker answers")
    }

    #[test]
    fn a_new_job_cancels_the_previous_one() {
        let (listen, events) = channel();
        let work = |(): &mut (), wait: bool, cancel: &Cancel, emit: &mut dyn FnMut(String)| {
            emit("started".to_owned());
            while wait && !cancel.is_cancelled() {
                thread::yield_now();
            }
            emit(if wait { "stopped" } else { "done" }.to_owned());
        };
        let listener = move |event| drop(listen.send(event));
        let mut worker = Worker::spawn("test", || (), work, |message| message, listener).unwrap();
        worker.submit(1, true);
        assert_eq!(wait_for(&events), Tagged { generation: 1, event: "started".to_owned() });
        worker.submit(2, false);
        assert_eq!(wait_for(&events), Tagged { generation: 1, event: "stopped".to_owned() });
        assert_eq!(wait_for(&events), Tagged { generation: 2, event: "started".to_owned() });
        assert_eq!(wait_for(&events), Tagged { generation: 2, event: "done".to_owned() });
    }

    #[test]
    fn a_panic_is_reported_and_the_worker_continues() {
        let (listen, events) = channel();
        let work = |count: &mut u32, bad: bool, _: &Cancel, emit: &mut dyn FnMut(String)| {
            *count += 1;
            assert!(!bad, "boom");
            emit(count.to_string());
        };
        let listener = move |event| drop(listen.send(event));
        let mut worker = Worker::spawn("test", || 0, work, |message| message, listener).unwrap();
        worker.submit(1, true);
        assert!(wait_for(&events).event.contains("boom"));
        worker.submit(2, false);
        assert_eq!(wait_for(&events).event, "1");
    }
}
