//! Dependency graph of files and its circles.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::imports::Reference;

/// Maps each file to the files it uses, and to the items it uses of each.
pub(super) struct Graph(pub(super) BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

/// Files that depend on each other, with the uses among them.
pub(super) struct Circle {
    /// Paths, sorted.
    pub(super) files: Vec<String>,
    uses: Vec<String>,
}

impl Graph {
    /// Builds the graph of all references, except re-exports of items of child modules.
    pub(super) fn new(references: &[Reference]) -> Self {
        let mut uses = BTreeMap::<_, BTreeMap<_, BTreeSet<_>>>::new();
        for reference in references {
            let all = uses.entry(reference.from.clone()).or_default();
            if let Some(to) = reference.to.as_ref().filter(|to| **to != reference.from && !reference.is_reexport) {
                all.entry(to.clone()).or_default().insert(reference.item.clone());
            }
        }
        Self(uses)
    }

    /// Returns all circles, largest first.
    pub(super) fn circles(&self) -> Vec<Circle> {
        let mut search = Search { graph: self, visited: BTreeMap::new(), stack: Vec::new(), found: Vec::new() };
        for file in self.0.keys() {
            if !search.visited.contains_key(file.as_str()) {
                search.visit(file);
            }
        }
        let mut found = search.found;
        found.retain(|files| files.len() > 1);
        found.sort_by_key(|files| std::cmp::Reverse(files.len()));
        found.into_iter().map(|files| self.circle(files)).collect()
    }

    /// Returns one line for every file that `file` uses and `filter` accepts.
    pub(super) fn uses(&self, file: &str, filter: impl Fn(&str) -> bool) -> Vec<String> {
        let used = self.0.get(file).into_iter().flatten().filter(|(to, _)| filter(to));
        used.map(|(to, names)| {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            format!("{file} -> {to}: {}", names.join(", "))
        })
        .collect()
    }

    fn circle(&self, mut files: Vec<&str>) -> Circle {
        files.sort_unstable();
        let uses = files.iter().flat_map(|file| self.uses(file, |to| files.contains(&to))).collect();
        Circle { files: files.iter().map(|file| (*file).to_owned()).collect(), uses }
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{} files depend on each other:", self.files.len())?;
        self.uses.iter().try_for_each(|line| writeln!(f, "    {line}"))
    }
}

/// Tarjan's search for strongly connected components.
struct Search<'a> {
    graph: &'a Graph,
    /// Position of each file in the order of first visits.
    visited: BTreeMap<&'a str, usize>,
    /// Files whose component is not yet known.
    stack: Vec<&'a str>,
    found: Vec<Vec<&'a str>>,
}

impl<'a> Search<'a> {
    /// Visits `file` and all files it reaches; returns the lowest position of a file on the stack among these.
    fn visit(&mut self, file: &'a str) -> usize {
        let order = self.visited.len();
        self.visited.insert(file, order);
        let place = self.stack.len();
        self.stack.push(file);
        let mut earliest = order;
        let graph = self.graph;
        for used in graph.0.get(file).into_iter().flat_map(BTreeMap::keys) {
            match self.visited.get(used.as_str()) {
                None => earliest = earliest.min(self.visit(used)),
                Some(order) if self.stack.contains(&used.as_str()) => earliest = earliest.min(*order),
                Some(_) => {}
            }
        }
        if earliest == order {
            self.found.push(self.stack.split_off(place));
        }
        earliest
    }
}
