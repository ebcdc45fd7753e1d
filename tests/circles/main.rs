//! Checks that no files of `src` depend on each other in a circle.
//!
//! A file depends on another if it names an item defined there, directly or through re-exports; `tests/imports/mod.rs`
//! describes how paths are resolved. `mod` lines and tests do not count. Neither does `pub use child::Item`: a module
//! that re-exports an item of its child does not depend on it until it uses it.
//!
//! `cargo test --test circles -- --nocapture` prints all circles, with the items used of each file.

#[path = "../imports/mod.rs"]
mod imports;

mod graph;
mod resolution;

use std::path::Path;

use graph::{Circle, Graph};
use imports::{Tests, references, sources};

/// Permitted circles: the sorted paths of their files, and the reason.
const EXCEPTIONS: &[(&[&str], &str)] = &[];

#[test]
fn files_do_not_depend_on_each_other_in_a_circle() {
    let sources = sources(Path::new(env!("CARGO_MANIFEST_DIR")));
    let graph = Graph::new(&references(&sources, env!("CARGO_PKG_NAME"), Tests::LeftOut));
    let circles = graph.circles();
    for circle in &circles {
        println!("{circle}{}", reason(circle).map_or(String::new(), |reason| format!("    because {reason}\n")));
    }
    println!("{} circles among {} files", circles.len(), graph.0.len());

    let forbidden: Vec<String> =
        circles.iter().filter(|circle| reason(circle).is_none()).map(Circle::to_string).collect();
    assert!(forbidden.is_empty(), "\n{}", forbidden.join("\n"));
    for (files, reason) in EXCEPTIONS {
        assert!(
            circles.iter().any(|circle| circle.files == *files),
            "this exception is no longer needed: {files:?}, {reason}"
        );
    }
}

/// Returns the reason for which a circle is permitted, if it is.
fn reason(circle: &Circle) -> Option<&'static str> {
    EXCEPTIONS.iter().find(|(files, _)| circle.files == *files).map(|(_, reason)| *reason)
}
