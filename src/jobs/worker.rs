//! A thread that does one kind of work, one piece at a time, newest first.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use crate::cancel::Cancel;

/// Something that a job says, with the generation of the job that says it.
///
/// A listener drops what carries another generation than the one it waits for: it is the echo of a job that was
/// replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged<E> {
    /// Which submission this belongs to, as [`Worker::submit`] returned it.
    pub generation: u64,
    /// What it says.
    pub event: E,
}

struct Job<R> {
    generation: u64,
    request: R,
    cancel: Cancel,
}

/// The handle of a worker thread that takes requests `R`.
///
/// Submitting cancels the job before; so does dropping the handle, after which the thread ends by itself.
#[derive(Debug)]
pub struct Worker<R> {
    jobs: Sender<Job<R>>,
    generation: u64,
    current: Cancel,
}

impl<R: Send + 'static> Worker<R> {
    /// Starts a thread called `name`. `state` is made on that thread and stays there; `work` handles one request.
    ///
    /// Whatever a job says through its last argument reaches `listen`, tagged. A panic in `work` is caught and told
    /// with `failed`, and the thread goes on with a fresh state.
    pub fn spawn<S, E>(
        name: &str,
        state: impl Fn() -> S + Send + 'static,
        mut work: impl FnMut(&mut S, R, &Cancel, &mut dyn FnMut(E)) + Send + 'static,
        failed: impl Fn(String) -> E + Send + 'static,
        listen: impl Fn(Tagged<E>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, inbox) = channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut own = state();
            while let Some(Job { generation, request, cancel }) = newest(&inbox) {
                let mut say = |event| listen(Tagged { generation, event });
                let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut own, request, &cancel, &mut say)));
                if let Err(panic) = outcome {
                    say(failed(panic_message(panic.as_ref())));
                    own = state();
                }
            }
        })?;
        Ok(Self { jobs, generation: 0, current: Cancel::default() })
    }

    /// Cancels what runs, queues `request` and returns its generation.
    pub fn submit(&mut self, request: R) -> u64 {
        self.current.cancel();
        self.current = Cancel::default();
        self.generation += 1;
        let job = Job { generation: self.generation, request, cancel: self.current.clone() };
        // A worker whose thread is gone says nothing any more, which is what a listener then sees.
        let _ = self.jobs.send(job);
        self.generation
    }

    /// Cancels what runs, if anything does.
    pub fn cancel(&self) {
        self.current.cancel();
    }
}

impl<R> Drop for Worker<R> {
    fn drop(&mut self) {
        self.current.cancel();
    }
}

/// Waits for a job and skips to the last one queued. `None` when the handle is gone.
fn newest<R>(inbox: &Receiver<Job<R>>) -> Option<Job<R>> {
    let mut job = inbox.recv().ok()?;
    while let Ok(later) = inbox.try_recv() {
        job = later;
    }
    Some(job)
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a defect in partscope stopped this task: {}", text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn wait_for<E>(events: &Receiver<Tagged<E>>) -> Tagged<E> {
        events.recv_timeout(Duration::from_secs(20)).expect("the worker answers")
    }

    #[test]
    fn a_new_job_cancels_its_predecessor() {
        let (listen, events) = channel();
        let work = |(): &mut (), wait: bool, cancel: &Cancel, say: &mut dyn FnMut(String)| {
            say("started".to_owned());
            while wait && !cancel.is_cancelled() {
                thread::yield_now();
            }
            say(if wait { "stopped" } else { "done" }.to_owned());
        };
        let listener = move |event| drop(listen.send(event));
        let mut worker = Worker::spawn("test", || (), work, |message| message, listener).unwrap();
        let first = worker.submit(true);
        assert_eq!(wait_for(&events), Tagged { generation: first, event: "started".to_owned() });
        let second = worker.submit(false);
        assert_eq!(wait_for(&events), Tagged { generation: first, event: "stopped".to_owned() });
        assert_eq!(wait_for(&events), Tagged { generation: second, event: "started".to_owned() });
        assert_eq!(wait_for(&events), Tagged { generation: second, event: "done".to_owned() });
    }

    #[test]
    fn a_panic_is_told_and_the_worker_lives() {
        let (listen, events) = channel();
        let work = |count: &mut u32, bad: bool, _: &Cancel, say: &mut dyn FnMut(String)| {
            *count += 1;
            assert!(!bad, "boom");
            say(count.to_string());
        };
        let listener = move |event| drop(listen.send(event));
        let mut worker = Worker::spawn("test", || 0, work, |message| message, listener).unwrap();
        worker.submit(true);
        assert!(wait_for(&events).event.contains("boom"));
        worker.submit(false);
        assert_eq!(wait_for(&events).event, "1");
    }
}
