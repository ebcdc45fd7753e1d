//! Which file of a crate names what is defined in which other file.
//!
//! [`references`] parses all source files, follows their `mod` lines, and resolves every path in them, whether in a
//! `use` or in the middle of code, to the file that *defines* what it names: through imports, renames, globs and
//! re-exports. So `crate::app::State` leads to `src/app/state/mod.rs` and not to `src/app/mod.rs`.
//!
//! What it takes a path to be:
//!
//! - A variant, or a function of a type, is where the type is defined.
//! - A path that ends at a module leads nowhere; what is later named through it does.
//! - A name that a module does not have, perhaps because a macro makes it, is taken to be in the file of the module.
//! - The tokens given to a macro are read for paths too.
//!
//! Methods are not seen: whose they are takes types.

#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

mod paths;
mod resolve;
mod tokens;
mod tree;

use std::{collections::BTreeMap, fs, path::Path};

use paths::{How, Written};
use resolve::Place;
use tree::Tree;

/// Texts of source files by their paths from the root of the crate, such as `src/lib.rs`.
pub type Sources = BTreeMap<String, String>;

/// Whether what is compiled for tests only is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tests {
    /// Tests are code like any other.
    Kept,
    /// Items under `#[cfg(test)]` or `#[test]`, and the files below them, do not exist.
    LeftOut,
}

/// A path in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The file it is written in.
    pub from: String,
    /// Its names as they are written; the first one is empty if it begins with `::`.
    pub path: Vec<String>,
    /// The files of the modules it goes through.
    pub through: Vec<String>,
    /// What it names, without the modules before and the variants after it.
    pub item: String,
    /// The file that defines the item; `None` for other crates and for what is no more than a module.
    pub to: Option<String>,
    /// Whether it only passes on what is defined in a module below: `pub use child::Item`.
    pub passes_on: bool,
}

/// All Rust files in `src` below `root`.
pub fn sources(root: &Path) -> Sources {
    let (mut folders, mut found) = (vec![root.join("src")], Sources::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

/// All paths in the files that `src/lib.rs` and `src/main.rs` lead to, in a crate called `package`.
pub fn references(sources: &Sources, package: &str, tests: Tests) -> Vec<Reference> {
    let tree = Tree::new(sources, package, tests);
    let modules = tree.modules.iter().enumerate();
    modules
        .flat_map(|(at, module)| module.paths.iter().map(move |written| (at, written)))
        .map(|(at, written)| reference(&tree, at, written))
        .collect()
}

fn reference(tree: &Tree, at: usize, written: &Written) -> Reference {
    let names = &written.names;
    let places: Vec<Place> = (1..=names.len()).map(|end| tree.resolve(at, &names[..end])).collect();
    let last = places.last().copied().unwrap_or_default();
    let item = places.iter().position(|place| place.home.is_some() && place.module.is_none());
    // An import of both a module and a function of that name may be for either; what is done with it tells.
    let vague = written.how != How::Inline && last.module.is_some();
    let home = last.home.filter(|_| !vague);
    let file = |module: usize| tree.modules[module].file.clone();
    Reference {
        from: file(at),
        path: names.clone(),
        through: places.iter().filter_map(|place| place.module).map(file).collect(),
        item: item.map_or(names.last(), |item| names.get(item)).cloned().unwrap_or_default(),
        to: home.map(file),
        passes_on: written.how == How::PassedOn && home.is_some_and(|home| tree.is_below(home, at)),
    }
}
