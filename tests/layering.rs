//! Dependencies between modules run one way: `tui → app → jobs → (analysis, runner, decompose) → (model, task)`; `cli` beside.
//! So they do inside `app`: `executor`, `update → state → keymap → (action, effect, message)`; only the executor knows workers.

mod imports;

use std::{collections::BTreeSet, path::Path};

use imports::{Reference, Tests, references, sources};

/// Modules that know nothing of the others but each other.
const GROUND: &[&str] = &[
    "attribution",
    "cancel",
    "color",
    "component",
    "demo",
    "disk",
    "error",
    "progress",
    "random",
    "request",
    "run",
    "text",
];

/// What each module above the ground may use, besides itself and the ground.
const LAYERS: &[(&str, &[&str])] = &[
    ("hub", &[]),
    ("model", &["hub"]),
    ("task", &["hub"]),
    ("analysis", &[]),
    ("store", &[]),
    ("report", &["analysis"]),
    ("decompose", &["model"]),
    ("bench", &["decompose", "model"]),
    ("doctor", &["decompose", "model"]),
    ("runner", &["decompose", "model", "store", "task"]),
    ("protocol", &["runner", "decompose", "store", "analysis", "task", "model"]),
    ("experiments", &["runner", "decompose", "analysis", "task", "model"]),
    ("jobs", &["experiments", "analysis", "runner", "decompose", "model", "store", "task"]),
    ("app", &["experiments", "jobs", "runner", "analysis", "task", "model", "store"]),
    ("tui", &["experiments", "app", "jobs", "runner", "analysis", "task", "model", "store"]),
    ("main", &["cli"]),
    (
        "cli",
        &[
            "experiments",
            "bench",
            "report",
            "hub",
            "doctor",
            "tui",
            "app",
            "jobs",
            "protocol",
            "runner",
            "decompose",
            "store",
            "analysis",
            "task",
            "model",
        ],
    ),
];

/// What each module of `app` may use of `app`, besides itself.
const APP: &[(&str, &[&str])] = &[
    ("action", &[]),
    ("effect", &[]),
    ("message", &[]),
    ("keymap", &["action"]),
    ("state", &["action", "keymap"]),
    ("update", &["action", "effect", "message", "keymap", "state"]),
    ("executor", &["effect", "message"]),
];

/// Workers by their types; functions that start them end in `_worker`.
const WORKERS: &[&str] = &["Worker", "ModelWorker", "FileWorker", "Lazy"];

/// Crates that only the face of the program may name.
const SCREEN: &[&str] = &["ratatui", "crossterm", "tokio"];

#[test]
fn modules_use_only_what_lies_below_them() {
    let all = references(&sources(root()), env!("CARGO_PKG_NAME"), Tests::Kept);
    let wrong: BTreeSet<String> = all.iter().flat_map(mistakes).collect();
    assert!(wrong.is_empty(), "\n{}", Vec::from_iter(wrong).join("\n"));
}

#[test]
fn every_module_has_its_layer() {
    let strangers: BTreeSet<String> = sources(root())
        .keys()
        .map(|file| module(file).to_owned())
        .filter(|name| name != "lib" && !is_known(name))
        .collect();
    assert!(strangers.is_empty(), "give these modules a layer in this file: {strangers:?}");
}

#[test]
fn mistakes_are_seen_however_they_are_written() {
    let wrong = |text: &str| {
        let files = [("src/lib.rs", "mod tui; mod run;"), ("src/tui.rs", "pub use std::fmt;"), ("src/run.rs", text)];
        let sources = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
        references(&sources, "partscope", Tests::Kept).iter().flat_map(mistakes).collect::<Vec<_>>()
    };
    for text in
        ["use crate::{tui, text::list};", "use super::tui::fmt;", "fn f() { println!(\"{}\", crate::tui::f()) }"]
    {
        assert_eq!(wrong(text), ["src/run.rs uses tui"], "{text}");
    }
    assert_eq!(wrong("#[cfg(test)] mod tests { use tokio::sync::watch; }"), ["src/run.rs uses tokio"]);
    assert!(wrong("// crate::tui\nuse crate::run::f;").is_empty());
}

#[test]
fn the_modules_of_app_use_only_what_lies_below_them() {
    let sources = sources(root());
    let all = references(&sources, env!("CARGO_PKG_NAME"), Tests::LeftOut);
    let wrong: BTreeSet<String> = all.iter().filter_map(mistake_in_app).collect();
    assert!(wrong.is_empty(), "\n{}", Vec::from_iter(wrong).join("\n"));
    let files = sources.keys().filter_map(|file| part(file));
    let strangers: BTreeSet<&str> =
        files.filter(|part| !["mod", "tests"].contains(part) && !APP.iter().any(|(name, _)| name == part)).collect();
    assert!(strangers.is_empty(), "give these modules of app a floor in this file: {strangers:?}");
}

#[test]
fn mistakes_in_app_are_seen() {
    let wrong = |file: &str, text: &str| {
        let files = [
            ("src/lib.rs", "mod app; mod jobs;"),
            ("src/app/mod.rs", "mod state; mod update; mod executor; pub use update::receive;"),
            ("src/app/state.rs", "pub struct State;"),
            ("src/app/update.rs", "pub fn receive() {}"),
            ("src/app/executor.rs", "use crate::jobs::{Lazy, fit_worker}; pub struct Executor;"),
            ("src/jobs.rs", "pub struct Lazy; pub struct Worker; pub struct FitRequest; pub fn fit_worker() {}"),
            (file, text),
        ];
        let sources = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
        let all = references(&sources, "partscope", Tests::LeftOut);
        all.iter().filter_map(mistake_in_app).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    };
    let state = "src/app/state.rs";
    assert_eq!(wrong(state, "use super::update::receive;"), "src/app/state.rs uses app::update");
    assert_eq!(wrong(state, "use crate::app::receive;"), "src/app/state.rs uses app::update");
    assert_eq!(wrong(state, "fn f() { crate::app::executor::Executor; }"), "src/app/state.rs uses app::executor");
    let update = "src/app/update.rs";
    assert_eq!(wrong(update, "use crate::jobs::Worker;"), "src/app/update.rs uses the worker Worker");
    assert_eq!(wrong(update, "fn f() { crate::jobs::fit_worker() }"), "src/app/update.rs uses the worker fit_worker");
    assert_eq!(wrong(update, "use crate::{app::state::State, jobs::FitRequest};"), "");
}

/// What is wrong with a path in `app`: it leads to a module of `app` that is not below its own, or, outside the executor,
/// to a worker.
fn mistake_in_app(path: &Reference) -> Option<String> {
    let user = part(&path.from).filter(|user| *user != "mod")?;
    let allowed = APP.iter().find(|(name, _)| *name == user).map_or(&[][..], |(_, allowed)| allowed);
    let used = path.to.as_deref()?;
    if let Some(used) = part(used) {
        return (used != user && !allowed.contains(&used)).then(|| format!("{} uses app::{used}", path.from));
    }
    let is_worker = WORKERS.contains(&path.item.as_str()) || path.item.ends_with("_worker");
    (module(used) == "jobs" && is_worker && user != "executor")
        .then(|| format!("{} uses the worker {}", path.from, path.item))
}

/// The module of `app` that a file belongs to.
fn part(file: &str) -> Option<&str> {
    let below = file.strip_prefix("src/app/")?;
    Some(below.split_once('/').map_or(below.trim_end_matches(".rs"), |(folder, _)| folder))
}

/// What is wrong with a path: it goes through a module, or leads to one, that is not below its own; or it is a screen's.
fn mistakes(path: &Reference) -> BTreeSet<String> {
    let user = module(&path.from);
    let allowed = LAYERS.iter().find(|(name, _)| *name == user).map_or(&[][..], |(_, allowed)| allowed);
    let used = path.through.iter().chain(&path.to).map(|file| module(file)).filter(|used| is_known(used));
    let mut wrong: BTreeSet<&str> =
        used.filter(|used| *used != user && !allowed.contains(used) && !GROUND.contains(used)).collect();
    if user != "tui" && path.through.is_empty() && path.to.is_none() {
        wrong.extend(
            path.path.iter().find(|name| !name.is_empty()).map(String::as_str).filter(|name| SCREEN.contains(name)),
        );
    }
    wrong.into_iter().map(|used| format!("{} uses {used}", path.from)).collect()
}

/// The top-level module that a file belongs to.
fn module(file: &str) -> &str {
    let below = file.strip_prefix("src/").unwrap_or(file);
    below.split_once('/').map_or(below.trim_end_matches(".rs"), |(folder, _)| folder)
}

fn is_known(module: &str) -> bool {
    GROUND.contains(&module) || LAYERS.iter().any(|(name, _)| *name == module)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
