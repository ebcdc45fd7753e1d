//! Resolves a path to the module that defines its item.

use super::tree::{Binding, Tree};

/// Result of resolving a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Module that the path names.
    pub module: Option<usize>,
    /// Module that defines an item of this name.
    pub home: Option<usize>,
    /// Whether the path leads to another crate.
    pub outside: bool,
}

/// Imports being followed, each a module and a path or name in it; stops recursion on circular imports.
type Open = Vec<(usize, String)>;

impl Place {
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
    pub fn resolve(&self, at: usize, path: &[String]) -> Place {
        self.follow(at, path, &mut Open::new())
    }

    fn follow(&self, at: usize, path: &[String], open: &mut Open) -> Place {
        let Some((first, rest)) = path.split_first() else { return Place::OUTSIDE };
        let start = match first.as_str() {
            "crate" => Place::module(self.root(at)),
            "self" => Place::module(at),
            "super" => self.above(at),
            name => self.begin(at, name, open),
        };
        rest.iter().fold(start, |place, name| self.enter(place, name, open))
    }

    fn above(&self, at: usize) -> Place {
        self.modules[at].parent.map_or(Place::OUTSIDE, Place::module)
    }

    /// Resolves the first segment of a path: a name in scope, this package's library, or another crate.
    fn begin(&self, at: usize, name: &str, open: &mut Open) -> Place {
        let place = self.lookup(at, name, open);
        match place.is_unknown() {
            true if name == self.package => Place::module(0),
            true => Place::OUTSIDE,
            false => place,
        }
    }

    /// Resolves a further segment of a path. Variants and functions of an item belong to the item.
    fn enter(&self, place: Place, name: &str, open: &mut Open) -> Place {
        let Some(module) = place.module else { return place };
        if name == "super" {
            return self.above(module);
        }
        let inside = self.lookup(module, name, open);
        if inside.is_unknown() { Place::defined_in(module) } else { inside }
    }

    /// Resolves `name` in a module.
    fn lookup(&self, at: usize, name: &str, open: &mut Open) -> Place {
        let bindings = self.modules[at].names.get(name).into_iter().flatten();
        let place = bindings.fold(Place::default(), |place, binding| {
            place.and(match binding {
                Binding::Module(below) => Place::module(*below),
                Binding::Item => Place::defined_in(at),
                Binding::Import(path) => once(open, (at, path.join("::")), |open| self.follow(at, path, open)),
            })
        });
        if place.is_unknown() { self.lookup_in_globs(at, name, open) } else { place }
    }

    /// Resolves `name` through the glob imports of a module.
    fn lookup_in_globs(&self, at: usize, name: &str, open: &mut Open) -> Place {
        once(open, (at, format!("{name} in *")), |open| {
            self.modules[at].globs.iter().fold(Place::default(), |place, glob| {
                let all_of = self.follow(at, glob, open).module;
                place.and(all_of.map_or(Place::default(), |module| self.lookup(module, name, open)))
            })
        })
    }
}

/// Follows an import unless it is already being followed.
fn once(open: &mut Open, import: (usize, String), follow: impl FnOnce(&mut Open) -> Place) -> Place {
    if open.contains(&import) {
        return Place::default();
    }
    open.push(import);
    let place = follow(open);
    open.pop();
    place
}
