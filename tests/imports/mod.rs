//! Resolves the paths in a crate's files to the files that define their items.
//!
//! [`references`] parses all source files, follows their `mod` lines, and resolves every path, in a `use` or in code,
//! to the file that *defines* the item, through imports, renames, globs and re-exports. So `crate::app::State` resolves
//! to `src/app/state/mod.rs` and not to `src/app/mod.rs`.
//!
//! Rules:
//!
//! - A variant or an associated function belongs to the file that defines its type.
//! - A path that ends at a module is not resolved; items named through it later are.
//! - A name that a module does not define, perhaps because a macro creates it, belongs to the file of the module.
//! - Paths in the arguments of macros count, too.
//!
//! Methods are ignored, since finding their type would need type inference.

#![allow(dead_code, unreachable_pub)] // each test file uses only some items

mod paths;
mod resolve;
mod tokens;
mod tree;

use std::{collections::BTreeMap, fs, path::Path};

use paths::{PathKind, WrittenPath};
use resolve::Resolution;
use tree::Tree;

/// Texts of source files by path relative to the crate's root, such as `src/lib.rs`.
pub type Sources = BTreeMap<String, String>;

/// Whether to read code that is compiled for tests only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tests {
    /// Read it like other code.
    Kept,
    /// Skip items under `#[cfg(test)]` or `#[test]`, and their child files.
    LeftOut,
}

/// A path in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// File that contains the path.
    pub from: String,
    /// Segments as written; the first one is empty if the path begins with `::`.
    pub path: Vec<String>,
    /// Files of the modules it passes through.
    pub through: Vec<String>,
    /// Name of the item, without the modules before and the variants after it.
    pub item: String,
    /// File that defines the item; `None` for items of other crates and for modules.
    pub to: Option<String>,
    /// Whether it only re-exports an item of a child module: `pub use child::Item`.
    pub is_reexport: bool,
}

/// Reads all Rust files in `root/src`.
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

/// Returns all paths in the modules of `src/lib.rs` and `src/main.rs`, in a crate named `package`.
pub fn references(sources: &Sources, package: &str, tests: Tests) -> Vec<Reference> {
    let tree = Tree::new(sources, package, tests);
    let modules = tree.modules.iter().enumerate();
    modules
        .flat_map(|(at, module)| module.paths.iter().map(move |path| (at, path)))
        .map(|(at, path)| reference(&tree, at, path))
        .collect()
}

fn reference(tree: &Tree, at: usize, path: &WrittenPath) -> Reference {
    let names = &path.names;
    let resolutions: Vec<Resolution> = (1..=names.len()).map(|end| tree.resolve(at, &names[..end])).collect();
    let last = resolutions.last().copied().unwrap_or_default();
    let item = resolutions.iter().position(|resolution| resolution.home.is_some() && resolution.module.is_none());
    // An imported name may be both a module and a function; only its uses show which one is meant.
    let ambiguous = path.kind != PathKind::Inline && last.module.is_some();
    let home = last.home.filter(|_| !ambiguous);
    let file = |module: usize| tree.modules[module].file.clone();
    Reference {
        from: file(at),
        path: names.clone(),
        through: resolutions.iter().filter_map(|resolution| resolution.module).map(file).collect(),
        item: item.map_or(names.last(), |item| names.get(item)).cloned().unwrap_or_default(),
        to: home.map(file),
        is_reexport: path.kind == PathKind::ReExported && home.is_some_and(|home| tree.is_below(home, at)),
    }
}
