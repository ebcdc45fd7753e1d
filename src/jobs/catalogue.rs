//! Worker that lists the models on this machine, one after the other as their headers are read.

use std::io;

use crate::model::{
    LoadOptions,
    catalogue::{ModelFacts, facts, names},
    hub::Settings,
};

use super::{Tagged, Worker};

/// A request for the list. Recently used models are listed first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueRequest {
    /// Names of recently used models, newest first.
    pub recent: Vec<String>,
}

/// A model of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModel {
    /// Its name, as `-m` takes it.
    pub name: String,
    /// Facts from its headers, or why it cannot be used.
    pub facts: Result<ModelFacts, String>,
}

/// Part of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogueEvent {
    /// The next model.
    Found(ListedModel),
    /// All models are listed.
    Done,
    /// The error message of a failed search.
    Failed(String),
}

/// Starts the worker; a new request replaces the current one.
///
/// # Errors
/// If the thread cannot be started.
pub fn catalogue_worker(
    listen: impl Fn(Tagged<CatalogueEvent>) + Send + 'static,
) -> io::Result<Worker<CatalogueRequest>> {
    Worker::spawn(
        "models",
        || (),
        |(), request: CatalogueRequest, cancel, emit| {
            let options = LoadOptions::default();
            let settings = match Settings::from_env() {
                Ok(settings) => settings,
                Err(error) => return emit(CatalogueEvent::Failed(error.to_string())),
            };
            for name in names(&request.recent, &settings) {
                if cancel.is_cancelled() {
                    return;
                }
                let facts = facts(&name, &options).map_err(|error| error.to_string());
                emit(CatalogueEvent::Found(ListedModel { name, facts }));
            }
            emit(CatalogueEvent::Done);
        },
        CatalogueEvent::Failed,
        listen,
    )
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::channel, time::Duration};

    use super::*;

    #[test]
    fn the_demo_is_listed_first_and_a_missing_model_says_why() {
        let (listen, events) = channel();
        let mut worker = catalogue_worker(move |event| drop(listen.send(event))).unwrap();
        worker.submit(1, CatalogueRequest { recent: vec!["no/such-model-here".to_owned()] });
        let next = || events.recv_timeout(Duration::from_secs(60)).unwrap().event;
        let CatalogueEvent::Found(demo) = next() else { panic!("no model") };
        assert!(demo.name == "demo" && demo.facts.is_ok());
        let CatalogueEvent::Found(missing) = next() else { panic!("no model") };
        assert!(missing.name == "no/such-model-here" && missing.facts.is_err());
    }
}
