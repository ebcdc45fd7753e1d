//! The recipes of CONTRIBUTING.md: an addition is one new file and a word in one list.

use std::{fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Names of the Rust files in a folder, without `mod`.
fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().path());
    let rust = names.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let mut names: Vec<String> = rust.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.retain(|name| name != "mod");
    names.sort();
    names
}

/// Every file below `src` but those in `folder`.
fn elsewhere(folder: &str) -> Vec<(String, String)> {
    let (mut open, mut found) = (vec!["src".to_owned()], Vec::new());
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(&at)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{at}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
            } else if entry.path().extension().is_some_and(|end| end == "rs") && !path.starts_with(folder) {
                found.push((path.clone(), read(&path)));
            }
        }
    }
    found
}

#[test]
fn an_architecture_is_one_file_and_its_name_in_one_list() {
    let list = read("src/model/family/mod.rs");
    let tools = ["architecture", "config", "recipe", "scaling"];
    let families: Vec<String> =
        files("src/model/family").into_iter().filter(|name| !tools.contains(&name.as_str())).collect();
    assert!(families.len() >= 11, "{families:?}");
    for name in &families {
        assert!(list.contains(&format!("mod {name};")) && list.contains(&format!("    {name}::")), "{name}");
        for (path, text) in elsewhere("src/model/family/") {
            assert!(!text.contains(&format!("family::{name}")), "{path} knows {name}");
        }
    }
}

#[test]
fn a_command_is_one_file_and_its_name_in_one_list() {
    let list = read("src/cli/mod.rs");
    for name in files("src/cli").into_iter().filter(|name| read(&format!("src/cli/{name}.rs")).contains("struct Args"))
    {
        assert!(list.contains(&format!("mod {name};")) && list.contains(&format!("{name}::Args")), "{name}");
        for (path, text) in elsewhere("src/cli/") {
            assert!(!text.contains(&format!("cli::{name}")), "{path} knows {name}");
        }
    }
}

#[test]
fn a_screen_is_one_file_that_draws_from_the_state_alone() {
    let list = read("src/tui/views/mod.rs");
    for name in files("src/tui/views") {
        assert!(list.contains(&format!("mod {name};")), "{name}");
        let text = read(&format!("src/tui/views/{name}.rs"));
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for forbidden in ["std::fs", "fs::", "Store::", "Model::load", "_worker(", "execute("] {
            assert!(!code.contains(forbidden), "{name} reaches for {forbidden}");
        }
    }
}

#[test]
fn an_analysis_is_one_file_that_knows_no_model_file_or_screen() {
    let list = read("src/analysis/mod.rs");
    for name in files("src/analysis") {
        assert!(list.contains(&format!("mod {name};")), "{name}");
        if list.contains(&format!("#[cfg(test)]\nmod {name};")) || name == "testing" {
            continue;
        }
        let text = read(&format!("src/analysis/{name}.rs"));
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for forbidden in ["std::fs", "crate::model", "crate::tui", "crate::store", "crate::task"] {
            assert!(!code.contains(forbidden), "{name} reaches for {forbidden}");
        }
    }
}

#[test]
fn the_page_on_task_files_has_every_field() {
    let page = read("docs/tasks.md");
    let source = read("src/task/file.rs");
    let rows: Vec<&str> =
        source.lines().filter_map(|line| line.strip_prefix("//! ")).filter(|line| line.starts_with("| `")).collect();
    assert!(rows.len() > 15);
    for row in rows {
        assert!(page.contains(row), "docs/tasks.md lacks: {row}");
    }
}

/// Paths in backticks that begin with `beginning`, with `{a,b}` written out.
fn named_paths(text: &str, beginning: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2).filter(|path| path.starts_with(beginning) && !path.contains('*'));
    let expand = |path: &str| match path.split_once('{').and_then(|(a, rest)| Some((a, rest.split_once('}')?))) {
        Some((before, (names, after))) => names.split(',').map(|name| format!("{before}{name}{after}")).collect(),
        None => vec![path.to_owned()],
    };
    quoted.flat_map(expand).collect()
}

#[test]
fn the_map_of_the_house_holds_against_the_folders() {
    let named = named_paths(&read("ARCHITECTURE.md"), "src/");
    for path in &named {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(), "there is no {path}");
    }
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap().map(Result::unwrap) {
        let folder = format!("src/{}/", entry.file_name().to_string_lossy());
        let told = named.iter().any(|path| path.starts_with(&folder));
        assert!(told || !entry.file_type().unwrap().is_dir(), "ARCHITECTURE.md does not name {folder}");
    }
}

#[test]
fn the_documents_point_at_what_is_there() {
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/method.md",
        "docs/statistics.md",
        "docs/run-files.md",
        "docs/tasks.md",
        "docs/speed.md",
        "docs/keys.md",
        "docs/explorer.md",
    ] {
        let folder = Path::new(document).parent().unwrap().to_owned();
        let text = read(document);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let found = Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder).join(path);
            assert!(found.exists(), "{document}: {target}");
        }
    }
}
