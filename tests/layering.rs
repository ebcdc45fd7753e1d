//! Dependencies between modules run one way: `tui → app → jobs → (analysis, runner, decompose) → (model, task)`; `cli` beside.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

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
    ("cause", &["runner", "decompose", "analysis", "task", "model"]),
    ("jobs", &["cause", "analysis", "runner", "decompose", "model", "store", "task"]),
    ("app", &["cause", "jobs", "runner", "analysis", "task", "model"]),
    ("tui", &["cause", "app", "jobs", "runner", "analysis", "task", "model", "store"]),
    (
        "cli",
        &[
            "cause",
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

/// Crates that only the face of the program may name.
const SCREEN: &[&str] = &["ratatui", "crossterm", "tokio"];

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut wrong = Vec::new();
    for (module, file) in sources() {
        let text = code(&fs::read_to_string(&file).unwrap());
        let allowed = LAYERS.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, allowed)| allowed);
        for used in uses(&text) {
            let known = GROUND.contains(&used.as_str()) || LAYERS.iter().any(|(name, _)| *name == used);
            let fine = used == module || allowed.contains(&used.as_str()) || GROUND.contains(&used.as_str());
            if known && !fine {
                wrong.push(format!("{} uses crate::{used}", file.display()));
            }
        }
        let draws = SCREEN.iter().filter(|name| text.contains(&format!("{name}::")));
        wrong.extend(draws.filter(|_| module != "tui").map(|name| format!("{} uses {name}", file.display())));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_layer() {
    let known: BTreeSet<&str> =
        GROUND.iter().copied().chain(LAYERS.iter().map(|(name, _)| *name)).chain(["lib", "main"]).collect();
    let strangers: BTreeSet<String> =
        sources().into_iter().map(|(module, _)| module).filter(|module| !known.contains(module.as_str())).collect();
    assert!(strangers.is_empty(), "give these modules a layer in this file: {strangers:?}");
}

#[test]
fn the_reader_of_use_lines_sees_groups() {
    let text = "use crate::{\n    app::{State, keys},\n    text::list,\n};\nfn f() { crate::tui::draw() }";
    assert_eq!(uses(text).into_iter().collect::<Vec<_>>(), ["app", "text", "tui"]);
}

/// All source files with the top-level module that each belongs to.
fn sources() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let first = path.strip_prefix(&root).unwrap().components().next().unwrap();
                let module = Path::new(first.as_os_str()).file_stem().unwrap().to_string_lossy().into_owned();
                files.push((module, path));
            }
        }
    }
    files
}

/// The text without comments.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Top-level modules named after `crate::`, alone or in a group.
fn uses(text: &str) -> BTreeSet<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        let Some(group) = after.strip_prefix('{') else {
            found.insert(name(after));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, c) in group.char_indices() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && depth == 0 && c.is_alphabetic() => {
                    found.insert(name(&group[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}
