//! Resolves a path to the module that defines its item.

use super::tree::{Binding, Tree};

/// Result of resolving a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// Module that the path names.
    pub module: Option<usize>,
    /// Module that defines an item of this name.
    pub home: Option<usize>,
    /// Whether the path leads to another crate.
    pub outside: bool,
}

/// Imports being followed, each a module and a path or name in it; stops recursion on circular imports.
type Open = Vec<(usize, String)>;

impl Resolution {
    const OUTSIDE: Self = Self { module: None, home: None, outside: true };

    fn module(at: usize) -> Self {
        Self { module: Some(at), ..Self::default() }
    }

    fn defined_in(at: usize) -> Self {
        Self { home: Some(at), ..Self::default() }
    }

    /// Combines two results: a module and a function can have the same name.
    fn and(self, other: Self) -> Self {
        Self {
            module: self.module.or(other.module),
            home: self.home.or(other.home),
            outside: self.outside || other.outside,
        }
    }

    fn is_unknown(self) -> bool {
        self == Self::default()
    }
}

impl Tree<'_> {
    /// Resolves `path`, written in module `at`.
    pub fn resolve(&self, at: usize, path: &[String]) -> Resolution {
        self.follow(at, path, &mut Open::new())
    }

    fn follow(&self, at: usize, path: &[String], open: &mut Open) -> Resolution {
        let Some((first, rest)) = path.split_first() else { return Resolution::OUTSIDE };
        let start = match first.as_str() {
            "crate" => Resolution::module(self.root(at)),
            "self" => Resolution::module(at),
            "super" => self.above(at),
            name => self.begin(at, name, open),
        };
        rest.iter().fold(start, |resolution, name| self.enter(resolution, name, open))
    }

    fn above(&self, at: usize) -> Resolution {
        self.modules[at].parent.map_or(Resolution::OUTSIDE, Resolution::module)
    }

    /// Resolves the first segment of a path: a name in scope, this package's library, or another crate.
    fn begin(&self, at: usize, name: &str, open: &mut Open) -> Resolution {
        let resolution = self.lookup(at, name, open);
        match resolution.is_unknown() {
            true if name == self.package => Resolution::module(0),
            true => Resolution::OUTSIDE,
            false => resolution,
        }
    }

    /// Resolves a further segment of a path. Variants and functions of an item belong to the item.
    fn enter(&self, resolution: Resolution, name: &str, open: &mut Open) -> Resolution {
        let Some(module) = resolution.module else { return resolution };
        if name == "super" {
            return self.above(module);
        }
        let inside = self.lookup(module, name, open);
        if inside.is_unknown() { Resolution::defined_in(module) } else { inside }
    }

    /// Resolves `name` in a module.
    fn lookup(&self, at: usize, name: &str, open: &mut Open) -> Resolution {
        let bindings = self.modules[at].names.get(name).into_iter().flatten();
        let resolution = bindings.fold(Resolution::default(), |resolution, binding| {
            resolution.and(match binding {
                Binding::Module(below) => Resolution::module(*below),
                Binding::Item => Resolution::defined_in(at),
                Binding::Import(path) => once(open, (at, path.join("::")), |open| self.follow(at, path, open)),
            })
        });
        if resolution.is_unknown() { self.lookup_in_globs(at, name, open) } else { resolution }
    }

    /// Resolves `name` through the glob imports of a module.
    fn lookup_in_globs(&self, at: usize, name: &str, open: &mut Open) -> Resolution {
        once(open, (at, format!("{name} in *")), |open| {
            self.modules[at].globs.iter().fold(Resolution::default(), |resolution, glob| {
                let all_of = self.follow(at, glob, open).module;
                resolution.and(all_of.map_or(Resolution::default(), |module| self.lookup(module, name, open)))
            })
        })
    }
}

/// Follows an import unless it is already being followed.
fn once(open: &mut Open, import: (usize, String), follow: impl FnOnce(&mut Open) -> Resolution) -> Resolution {
    if open.contains(&import) {
        return Resolution::default();
    }
    open.push(import);
    let resolution = follow(open);
    open.pop();
    resolution
}
