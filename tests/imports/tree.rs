//! Module tree of a package, with the names and paths of each module.

use std::collections::BTreeMap;

use syn::{Attribute, Item, ItemMod, visit::Visit};

use super::{
    Sources, Tests,
    paths::{Reader, WrittenPath, is_for_tests},
};

/// Meaning of a name in a module.
#[derive(Clone, Debug)]
pub enum Binding {
    /// A child module.
    Module(usize),
    /// An item defined in the module.
    Item,
    /// An imported path.
    Import(Vec<String>),
}

/// A module, inline or in its own file.
#[derive(Debug)]
pub struct Module {
    /// File that contains it.
    pub file: String,
    /// Parent module; `None` for the root of a crate.
    pub parent: Option<usize>,
    /// Names and their meanings; a function and a module can have the same name.
    pub names: BTreeMap<String, Vec<Binding>>,
    /// Paths of glob imports.
    pub globs: Vec<Vec<String>>,
    /// All paths in it.
    pub paths: Vec<WrittenPath>,
}

/// All modules of a package.
pub struct Tree<'a> {
    /// Modules in order of declaration, parents before children.
    pub modules: Vec<Module>,
    /// Name by which the binary refers to the library.
    pub package: &'a str,
    sources: &'a Sources,
    tests: Tests,
}

impl<'a> Tree<'a> {
    /// Reads all modules of the library and the binary.
    ///
    /// # Panics
    /// If a file is missing or is not valid Rust.
    pub fn new(sources: &'a Sources, package: &'a str, tests: Tests) -> Self {
        let mut tree = Self { modules: Vec::new(), package, sources, tests };
        for root in ["src/lib.rs", "src/main.rs"] {
            if sources.contains_key(root) {
                tree.add_file(root, "src", None);
            }
        }
        tree
    }

    /// Whether module `low` is `high` or one of its descendants.
    pub fn is_below(&self, low: usize, high: usize) -> bool {
        low == high || self.modules[low].parent.is_some_and(|parent| self.is_below(parent, high))
    }

    /// Returns the root of module `at`'s crate.
    pub fn root(&self, at: usize) -> usize {
        self.modules[at].parent.map_or(at, |parent| self.root(parent))
    }

    fn add_file(&mut self, file: &str, folder: &str, parent: Option<usize>) -> usize {
        let parsed = syn::parse_file(&self.sources[file]).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.add(file, folder, parent, &parsed.items)
    }

    /// Adds a module whose children have their files in `folder`, and returns its index.
    fn add(&mut self, file: &str, folder: &str, parent: Option<usize>, items: &[Item]) -> usize {
        let at = self.modules.len();
        let (names, globs, paths) = (BTreeMap::new(), Vec::new(), Vec::new());
        self.modules.push(Module { file: file.to_owned(), parent, names, globs, paths });
        let mut reader = Reader::new(self.tests);
        let tests = self.tests;
        for item in items.iter().filter(|item| tests == Tests::Kept || !is_for_tests(attributes(item))) {
            if let Item::Mod(child) = item {
                let below = self.add_child(file, folder, at, child);
                self.bind(at, child.ident.to_string(), Binding::Module(below));
                continue;
            }
            if let Some(name) = name(item) {
                self.bind(at, name, Binding::Item);
            }
            reader.visit_item(item);
        }
        for (name, path) in reader.imports {
            self.bind(at, name, Binding::Import(path));
        }
        self.modules[at].globs = reader.globs;
        self.modules[at].paths = reader.paths;
        at
    }

    fn add_child(&mut self, file: &str, folder: &str, parent: usize, child: &ItemMod) -> usize {
        let folder = format!("{folder}/{}", child.ident);
        if let Some((_, items)) = &child.content {
            return self.add(file, &folder, Some(parent), items);
        }
        let files = [format!("{folder}.rs"), format!("{folder}/mod.rs")];
        let found = files.iter().find(|file| self.sources.contains_key(*file));
        let found = found.unwrap_or_else(|| panic!("{file} declares {}, which has no file", child.ident));
        self.add_file(found, &folder, Some(parent))
    }

    fn bind(&mut self, at: usize, name: String, binding: Binding) {
        self.modules[at].names.entry(name).or_default().push(binding);
    }
}

/// Returns the name that an item defines, if any.
fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// Returns the attributes of an item.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
