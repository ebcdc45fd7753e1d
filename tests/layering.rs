//! Checks that modules depend on each other in one direction only:
//! `tui → app → jobs → (analysis, runner, decompose) → (model, task)`; `cli` may use all of them. Inside `app`:
//! `update → state → keymap → (action, effect, message)`; only the executor, which uses effects and messages, uses
//! workers.

mod imports;

use std::{collections::BTreeSet, path::Path};

use imports::{Reference, Tests, references, sources};

/// Base modules, which use only each other.
const BASE: &[&str] = &[
    "attribution",
    "bounded",
    "cancel",
    "catch_panic",
    "color",
    "component",
    "data_memory",
    "demo",
    "disk",
    "error",
    "hidden",
    "progress",
    "random",
    "remarks",
    "request",
    "run",
    "size",
    "text",
];

/// Modules that each other module may use, besides itself and the base modules.
const LAYERS: &[(&str, &[&str])] = &[
    ("hub", &[]),
    ("jinja", &[]),
    ("model", &["hub", "jinja"]),
    ("task", &["hub", "jinja"]),
    ("analysis", &[]),
    ("store", &[]),
    ("report", &["analysis"]),
    ("decompose", &["model"]),
    ("bench", &["decompose", "model"]),
    ("doctor", &["decompose", "model"]),
    ("runner", &["decompose", "model", "store", "task"]),
    ("protocol", &["experiments", "runner", "decompose", "store", "analysis", "task", "model"]),
    ("sweep", &["protocol", "report", "runner", "store", "analysis", "task", "model"]),
    ("experiments", &["runner", "decompose", "analysis", "task", "model"]),
    ("jobs", &["experiments", "report", "analysis", "runner", "decompose", "model", "hub", "store", "task"]),
    ("app", &["experiments", "jobs", "runner", "analysis", "task", "model", "store"]),
    ("tui", &["experiments", "app", "jobs", "runner", "analysis", "task", "model", "store"]),
    ("mcp", &["analysis"]),
    ("main", &["cli"]),
    (
        "cli",
        &[
            "experiments",
            "bench",
            "report",
            "hub",
            "doctor",
            "mcp",
            "tui",
            "app",
            "jobs",
            "protocol",
            "sweep",
            "runner",
            "decompose",
            "store",
            "analysis",
            "task",
            "model",
        ],
    ),
];

/// Modules of `app` that each module of `app` may use, besides itself.
const APP: &[(&str, &[&str])] = &[
    ("action", &[]),
    ("effect", &[]),
    ("message", &[]),
    ("screen", &["action"]),
    ("keymap", &["action", "screen"]),
    ("state", &["action", "screen", "keymap"]),
    ("update", &["action", "effect", "message", "screen", "keymap", "state"]),
    ("executor", &["effect", "message"]),
];

/// Items of `jobs` that only the executor may use, besides names that end in `Worker` or `_worker`.
const WORKERS: &[&str] = &["Lazy", "SharedModel"];

/// Crates with the modules that may use them: tokio runs the terminal's event loop and the server for agents, no more.
const CRATES: &[(&str, &[&str])] =
    &[("ratatui", &["tui"]), ("crossterm", &["tui"]), ("tokio", &["tui", "mcp"]), ("rmcp", &["mcp"])];

#[test]
fn modules_use_only_lower_layers() {
    let all = references(&sources(root()), env!("CARGO_PKG_NAME"), Tests::Kept);
    let found: BTreeSet<String> = all.iter().flat_map(violations).collect();
    assert!(found.is_empty(), "\n{}", Vec::from_iter(found).join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    let unknown: BTreeSet<String> = sources(root())
        .keys()
        .map(|file| module(file).to_owned())
        .filter(|name| name != "lib" && !is_known(name))
        .collect();
    assert!(unknown.is_empty(), "give these modules a layer in this file: {unknown:?}");
}

#[test]
fn violations_are_found_in_every_form_of_path() {
    let found = |text: &str| {
        let files = [("src/lib.rs", "mod tui; mod run;"), ("src/tui.rs", "pub use std::fmt;"), ("src/run.rs", text)];
        let sources = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
        references(&sources, "partscope", Tests::Kept).iter().flat_map(violations).collect::<Vec<_>>()
    };
    for text in
        ["use crate::{tui, text::list};", "use super::tui::fmt;", "fn f() { println!(\"{}\", crate::tui::f()) }"]
    {
        assert_eq!(found(text), ["src/run.rs uses tui"], "{text}");
    }
    assert_eq!(found("#[cfg(test)] mod tests { use tokio::sync::watch; }"), ["src/run.rs uses tokio"]);
    assert!(found("// crate::tui\nuse crate::run::f;").is_empty());
}

#[test]
fn modules_of_app_use_only_lower_layers() {
    let sources = sources(root());
    let all = references(&sources, env!("CARGO_PKG_NAME"), Tests::LeftOut);
    let found: BTreeSet<String> = all.iter().filter_map(violation_in_app).collect();
    assert!(found.is_empty(), "\n{}", Vec::from_iter(found).join("\n"));
    let files = sources.keys().filter_map(|file| part(file));
    let unlisted: BTreeSet<&str> =
        files.filter(|part| !["mod", "tests"].contains(part) && !APP.iter().any(|(name, _)| name == part)).collect();
    assert!(unlisted.is_empty(), "list these modules of app in this file: {unlisted:?}");
}

#[test]
fn violations_in_app_are_found() {
    let found = |file: &str, text: &str| {
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
        all.iter().filter_map(violation_in_app).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    };
    let state = "src/app/state.rs";
    assert_eq!(found(state, "use super::update::receive;"), "src/app/state.rs uses app::update");
    assert_eq!(found(state, "use crate::app::receive;"), "src/app/state.rs uses app::update");
    assert_eq!(found(state, "fn f() { crate::app::executor::Executor; }"), "src/app/state.rs uses app::executor");
    let update = "src/app/update.rs";
    assert_eq!(found(update, "use crate::jobs::Worker;"), "src/app/update.rs uses the worker Worker");
    assert_eq!(found(update, "fn f() { crate::jobs::fit_worker() }"), "src/app/update.rs uses the worker fit_worker");
    assert_eq!(found(update, "use crate::{app::state::State, jobs::FitRequest};"), "");
}

/// Returns the violation of a path in `app`: a module of `app` that is not in a lower layer, or a worker used outside
/// the executor.
fn violation_in_app(path: &Reference) -> Option<String> {
    let user = part(&path.from).filter(|user| *user != "mod")?;
    let allowed = APP.iter().find(|(name, _)| *name == user).map_or(&[][..], |(_, allowed)| allowed);
    let used = path.to.as_deref()?;
    if let Some(used) = part(used) {
        return (used != user && !allowed.contains(&used)).then(|| format!("{} uses app::{used}", path.from));
    }
    let is_worker =
        WORKERS.contains(&path.item.as_str()) || ["Worker", "_worker"].iter().any(|end| path.item.ends_with(end));
    (module(used) == "jobs" && is_worker && user != "executor")
        .then(|| format!("{} uses the worker {}", path.from, path.item))
}

/// Returns the module of `app` that a file belongs to.
fn part(file: &str) -> Option<&str> {
    let below = file.strip_prefix("src/app/")?;
    Some(below.split_once('/').map_or(below.trim_end_matches(".rs"), |(folder, _)| folder))
}

/// Returns the violations of a path: modules it names or passes through that are not in a lower layer, and crates that
/// only some modules may use.
fn violations(path: &Reference) -> BTreeSet<String> {
    let user = module(&path.from);
    let allowed = LAYERS.iter().find(|(name, _)| *name == user).map_or(&[][..], |(_, allowed)| allowed);
    let used = path.through.iter().chain(&path.to).map(|file| module(file)).filter(|used| is_known(used));
    let mut forbidden: BTreeSet<&str> =
        used.filter(|used| *used != user && !allowed.contains(used) && !BASE.contains(used)).collect();
    if path.through.is_empty() && path.to.is_none() {
        let named = path.path.iter().find(|name| !name.is_empty()).map(String::as_str);
        let users = |name: &str| CRATES.iter().find(|(own, _)| *own == name).map(|(_, users)| users);
        forbidden.extend(named.filter(|name| users(name).is_some_and(|users| !users.contains(&user))));
    }
    forbidden.into_iter().map(|used| format!("{} uses {used}", path.from)).collect()
}

/// Returns the top-level module of a file.
fn module(file: &str) -> &str {
    let below = file.strip_prefix("src/").unwrap_or(file);
    below.split_once('/').map_or(below.trim_end_matches(".rs"), |(folder, _)| folder)
}

fn is_known(module: &str) -> bool {
    BASE.contains(&module) || LAYERS.iter().any(|(name, _)| *name == module)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
