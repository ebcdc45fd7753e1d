//! No circle: among the files of `src`, no two reach each other.
//!
//! A file reaches another if it names something that is defined there, however many re-exports lie between; how paths
//! are resolved is told in `tests/imports/mod.rs`. `mod` lines and tests do not count, nor does `pub use child::Item`:
//! a module that passes on what its children define does not depend on it until it uses it.
//!
//! `cargo test --test circles -- --nocapture` prints all circles, with what is used of which file.

#[path = "../imports/mod.rs"]
mod imports;

mod graph;
mod resolution;

use std::path::Path;

use graph::{Circle, Graph};
use imports::{Tests, references, sources};

/// Files that may reach each other, in order, and why.
const EXCEPTIONS: &[(&[&str], &str)] = &[];

#[test]
fn no_two_files_reach_each_other() {
    let sources = sources(Path::new(env!("CARGO_MANIFEST_DIR")));
    let graph = Graph::new(&references(&sources, env!("CARGO_PKG_NAME"), Tests::LeftOut));
    let circles = graph.circles();
    for circle in &circles {
        println!("{circle}{}", reason(circle).map_or(String::new(), |reason| format!("    because {reason}\n")));
    }
    println!("{} circles among {} files", circles.len(), graph.0.len());

    let wrong: Vec<String> = circles.iter().filter(|circle| reason(circle).is_none()).map(Circle::to_string).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for (files, reason) in EXCEPTIONS {
        assert!(circles.iter().any(|circle| circle.files == *files), "no circle any more: {files:?}, {reason}");
    }
}

/// Why a circle may be.
fn reason(circle: &Circle) -> Option<&'static str> {
    EXCEPTIONS.iter().find(|(files, _)| circle.files == *files).map(|(_, reason)| *reason)
}
