//! The explorer on a made-up model, to look at it without the engine.
use std::{io, thread, time::Duration};

use partscope::{
    attribution, component,
    jobs::{Tagged, Worker},
    progress, run, runner, tui,
};

#[allow(dead_code)]
#[path = "../src/app/fixture.rs"]
mod fixture;

fn start(listen: Box<dyn Fn(Tagged<runner::Event>) + Send>) -> io::Result<Worker<runner::RunRequest>> {
    let size: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let at = |i: usize, default: usize| size.get(i).copied().unwrap_or(default);
    let shape = component::Shape { layers: at(0, 8), heads: at(1, 8), labels: at(2, 2) };
    let (pause, n) = (at(3, 60), at(4, 200));
    let fail = std::env::args().any(|arg| arg == "fail");
    Worker::spawn(
        "fixture",
        || (),
        move |(), request: runner::RunRequest, cancel, say: &mut dyn FnMut(runner::Event)| {
            if fail {
                say(runner::Event::Failed("no model is called `demmo`; there are: demo, and any folder or GGUF file with a Llama-architecture model in it".into()));
                return;
            }
            for event in fixture::events(shape, &request, n, 8) {
                thread::sleep(Duration::from_millis(pause as u64));
                if cancel.is_cancelled() {
                    return say(runner::Event::Cancelled);
                }
                say(event);
            }
        },
        runner::Event::Failed,
        listen,
    )
}

fn main() {
    let choices = ["sentiment", "topic"].map(|name| tui::TaskChoice {
        name: name.into(),
        templates: vec!["review".into(), "arrow".into()],
    });
    let options = tui::ExploreOptions {
        model: Some(Box::new(start)),
        first: Some(fixture::request()),
        choices: choices.into(),
        saved: Vec::new(),
    };
    let code = tui::explore(options).unwrap();
    std::process::exit(code.into());
}
