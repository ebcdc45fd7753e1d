//! The worker that owns the model.

use std::io;

use super::{Tagged, Worker};
use crate::{
    cancel::Cancel,
    error::{Error, Result},
    model::{LoadOptions, Model, Source},
    runner::{Event, RunRequest, obtain, plan},
    store::Store,
};

/// Starts the thread that loads `source` at its first request and attributes what it is asked for, through `store`.
///
/// # Errors
/// If the system gives no thread.
pub fn model_worker(
    source: Source,
    options: LoadOptions,
    store: Store,
    listen: impl Fn(Tagged<Event>) + Send + 'static,
) -> io::Result<Worker<RunRequest>> {
    let work = move |model: &mut Option<Model>, request: RunRequest, cancel: &Cancel, say: &mut dyn FnMut(Event)| {
        match attribute(model, &source, &options, &store, &request, cancel, say) {
            Ok(()) => {}
            Err(Error::Cancelled) => say(Event::Cancelled),
            Err(error) => say(Event::Failed(error.to_string())),
        }
    };
    Worker::spawn("model", || None, work, Event::Failed, listen)
}

fn attribute(
    model: &mut Option<Model>,
    source: &Source,
    options: &LoadOptions,
    store: &Store,
    request: &RunRequest,
    cancel: &Cancel,
    say: &mut dyn FnMut(Event),
) -> Result<()> {
    let model = match model {
        Some(model) => model,
        empty => {
            say(Event::Loading(source.to_string()));
            empty.insert(Model::load(source, options)?)
        }
    };
    cancel.check()?;
    let (plan, prompts) = plan(model, request)?;
    cancel.check()?;
    obtain(store, model, plan, &prompts, cancel, say).map(drop)
}
