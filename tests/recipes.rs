//! The recipes of CONTRIBUTING.md: an addition is one new file and a word in one list.

use std::{collections::BTreeSet, fs, path::Path};

use partscope::app::{
    Action, Keymap, Screen,
    keymap::{DEFAULT, KeyLayer},
};

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

/// Path and text of every Rust file in `src`, except those in `folder`.
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
    let tools = [
        "architecture",
        "config",
        "decoder_spec",
        "experts",
        "mixture",
        "names",
        "packed_experts",
        "reader",
        "scaling",
        "sizes",
        "table",
        "text_half",
    ];
    let families: Vec<String> =
        files("src/model/family").into_iter().filter(|name| !tools.contains(&name.as_str())).collect();
    assert!(families.len() >= 11, "{families:?}");
    for name in &families {
        assert!(list.contains(&format!("mod {name};")) && list.contains(&format!("    {name}::")), "{name}");
        for (path, text) in elsewhere("src/model/family/") {
            assert!(!text.contains(&format!("family::{name}")), "{path} names {name}");
        }
    }
}

#[test]
fn the_page_of_models_is_generated() {
    assert_eq!(read("docs/models.md"), partscope::model::family::table(), "run `cargo run --example models`");
}

#[test]
fn a_family_is_at_most_150_lines() {
    for name in files("src/model/family") {
        let lines = read(&format!("src/model/family/{name}.rs")).lines().count();
        let tools = ["config", "decoder_spec", "reader", "scaling"];
        assert!(lines <= 150 || tools.contains(&name.as_str()), "{name}: {lines} lines");
    }
}

/// The value of `general.architecture` in a GGUF file.
fn gguf_architecture(bytes: &[u8]) -> Option<String> {
    let key = b"general.architecture";
    let at = bytes.windows(key.len()).position(|window| window == key)? + key.len();
    let length = u64::from_le_bytes(bytes.get(at + 4..at + 12)?.try_into().ok()?);
    Some(String::from_utf8_lossy(bytes.get(at + 12..at + 12 + usize::try_from(length).ok()?)?).into_owned())
}

#[test]
fn an_architecture_with_a_gguf_name_has_a_golden_gguf_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/gguf");
    let golden = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let golden = golden.filter(|path| path.extension().is_some_and(|end| end == "gguf"));
    let golden: BTreeSet<String> = golden.filter_map(|path| gguf_architecture(&fs::read(path).unwrap())).collect();
    let sources: String =
        files("src/model/family").iter().map(|name| read(&format!("src/model/family/{name}.rs"))).collect();
    let declared = sources.split("gguf: Some(\"").skip(1).filter_map(|rest| rest.split('"').next());
    assert_eq!(declared.map(str::to_owned).collect::<BTreeSet<_>>(), golden);
    let (fields, tensors) = (read("src/model/gguf/config.rs"), read("src/model/gguf/names.rs"));
    assert!(!fields.contains("ForCausalLM\"),"), "architectures are listed in src/model/family/mod.rs only");
    for table in ["OWN_FIELDS", "OWN_SCHEMES", "OWN_NAMES"] {
        assert!(fields.contains(table) || tensors.contains(table), "CONTRIBUTING.md names {table}");
    }
}

/// Names of the commands in `src/cli/`: files with `Args`, and folders whose `mod.rs` has or re-exports `Args`.
fn commands() -> Vec<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli")).unwrap();
    let text =
        |path: &Path| fs::read_to_string(if path.is_dir() { path.join("mod.rs") } else { path.to_owned() }).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("mod.rs"));
    let found = paths.filter(|path| ["struct Args", "use args::Args"].iter().any(|sign| text(path).contains(sign)));
    found.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_command_is_one_file_or_folder_and_its_name_in_one_list() {
    let list = read("src/cli/mod.rs");
    let names = commands();
    assert!(["ablate", "run", "tasks", "fit"].iter().all(|name| names.iter().any(|known| known == name)), "{names:?}");
    for name in names {
        assert!(list.contains(&format!("mod {name};")) && list.contains(&format!("{name}::Args")), "{name}");
        for (path, text) in elsewhere("src/cli/") {
            assert!(!text.contains(&format!("cli::{name}")), "{path} names {name}");
        }
    }
}

/// The code of a file without its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

/// Name of the file in `src/tui/views/` that draws a screen, according to `src/tui/views/mod.rs`.
fn view_of(screen: Screen) -> String {
    let list = read("src/tui/views/mod.rs");
    let row = format!("Screen::{screen:?} => &");
    let rest = list.split(&row).nth(1).unwrap_or_else(|| panic!("src/tui/views/mod.rs lacks {screen:?}"));
    let name = rest.split("::VIEW").next().unwrap_or_default().to_owned();
    assert!(list.contains(&format!("mod {name};")), "{name}");
    name
}

#[test]
fn a_screen_is_one_file_and_a_row_in_one_list() {
    let keymap = Keymap::parse(DEFAULT).unwrap();
    let views: BTreeSet<String> = Screen::ALL.iter().map(|&screen| view_of(screen)).collect();
    assert_eq!(views.len(), Screen::ALL.len(), "each screen has a view of its own");
    let page = read("docs/explorer.md");
    for &screen in Screen::ALL {
        let text = read(&format!("src/tui/views/{}.rs", view_of(screen)));
        assert!(text.contains("const VIEW: View ="), "{screen:?}");
        let keys = keymap.any_keys(screen.opened_by());
        let row = page.lines().find(|line| line.contains(&format!(" | {} | ", screen.title())));
        let row = row.unwrap_or_else(|| panic!("docs/explorer.md lacks {}", screen.title()));
        assert!(keys.iter().any(|key| row.contains(&format!("`{key}`"))), "docs/explorer.md: {keys:?} not in {row}");
        assert!(KeyLayer::all().any(|layer| layer == KeyLayer::Screen(screen)));
    }
}

/// A new screen is named in `src/app/screen.rs`, in the list of views and, if it has a reducer, in the list of
/// reducers. Apart from these lists, only the state and the reducers ask which screen is shown; drawing and mouse code
/// does not.
#[test]
fn a_screen_is_named_in_its_lists_only() {
    let lists = ["src/app/screen.rs", "src/tui/views/mod.rs", "src/app/update/mod.rs"];
    for (path, text) in elsewhere("src/app/tests/") {
        let asks = path.starts_with("src/app/state/") || path.starts_with("src/app/update/");
        if lists.contains(&path.as_str()) || asks || path.starts_with("src/tui/screens/") {
            continue;
        }
        for screen in Screen::ALL {
            assert!(!code(&text).contains(&format!("Screen::{screen:?}")), "{path} names {screen:?}");
        }
    }
    let reducers = read("src/app/update/mod.rs");
    for &screen in Screen::ALL {
        let named = code(&reducers).matches(&format!("Screen::{screen:?}")).count();
        assert!(named <= 1 || screen == Screen::default(), "src/app/update/mod.rs names {screen:?} {named} times");
    }
}

#[test]
fn a_screen_is_opened_by_an_action_of_its_own() {
    let opened: Vec<Action> = Screen::ALL.iter().map(|screen| screen.opened_by()).collect();
    for action in &opened {
        assert_eq!(opened.iter().filter(|other| *other == action).count(), 1, "{action:?}");
    }
}

#[test]
fn views_draw_from_the_state_alone() {
    let list = read("src/tui/views/mod.rs");
    for name in files("src/tui/views") {
        assert!(list.contains(&format!("mod {name};")), "{name}");
        let text = read(&format!("src/tui/views/{name}.rs"));
        for forbidden in ["std::fs", "fs::", "Store::", "Model::load", "_worker(", "execute("] {
            assert!(!code(&text).contains(forbidden), "{name} uses {forbidden}");
        }
    }
}

#[test]
fn a_quantity_of_the_map_is_a_row_of_one_list() {
    let text = read("src/app/state/metric.rs");
    let (before, after) = text.split_once("\nquantities! {\n").unwrap();
    let (rows, after) = after.split_once("\n}\n").unwrap();
    let names: Vec<&str> = rows.lines().filter_map(|line| line.strip_suffix(" = Quantity {")).map(str::trim).collect();
    assert_eq!(names.len(), partscope::app::state::metric::Metric::ALL.len(), "{names:?}");
    for field in ["title", "unit", "needs", "value", "range", "note", "about", "source"] {
        assert_eq!(rows.matches(&format!("        {field}: ")).count(), names.len(), "{field}");
    }
    for name in names {
        for rest in [before, code(after)] {
            assert!(!rest.contains(&format!("Self::{name}")), "{name} is named outside its row");
        }
    }
}

#[test]
fn a_column_of_components_is_a_row_of_one_table() {
    let text = read("src/cli/components.rs");
    let (_, table) = text.split_once("const COLUMNS: &[Column] = &[").unwrap();
    let (rows, after) = table.split_once("\n];\n").unwrap();
    assert!(rows.matches("Column {").count() >= 6);
    for head in rows.split("head: \"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(!code(after).contains(&format!("\"{head}\"")), "{head} is in the table only");
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
        for forbidden in ["std::fs", "crate::model", "crate::tui", "crate::store", "crate::task"] {
            assert!(!code(&text).contains(forbidden), "{name} uses {forbidden}");
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
fn architecture_md_names_every_folder_and_only_existing_paths() {
    let named = named_paths(&read("ARCHITECTURE.md"), "src/");
    for path in &named {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(), "there is no {path}");
    }
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap().map(Result::unwrap) {
        let folder = format!("src/{}/", entry.file_name().to_string_lossy());
        let is_named = named.iter().any(|path| path.starts_with(&folder));
        assert!(is_named || !entry.file_type().unwrap().is_dir(), "ARCHITECTURE.md does not name {folder}");
    }
}

#[test]
fn links_in_documents_lead_to_existing_files() {
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
