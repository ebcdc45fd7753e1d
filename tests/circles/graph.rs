//! Files, which of them use which, and the circles among them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::imports::Reference;

/// Which file uses which, and what of it.
pub(super) struct Graph(pub(super) BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

/// Files that reach each other, with the uses among them.
pub(super) struct Circle {
    /// In order.
    pub(super) files: Vec<String>,
    uses: Vec<String>,
}

impl Graph {
    /// The graph of all references that do more than pass on what is defined below.
    pub(super) fn new(references: &[Reference]) -> Self {
        let mut uses = BTreeMap::<_, BTreeMap<_, BTreeSet<_>>>::new();
        for reference in references {
            let all = uses.entry(reference.from.clone()).or_default();
            if let Some(to) = reference.to.as_ref().filter(|to| **to != reference.from && !reference.passes_on) {
                all.entry(to.clone()).or_default().insert(reference.item.clone());
            }
        }
        Self(uses)
    }

    /// All circles, the largest first.
    pub(super) fn circles(&self) -> Vec<Circle> {
        let mut search = Search { graph: self, seen: BTreeMap::new(), open: Vec::new(), found: Vec::new() };
        for file in self.0.keys() {
            if !search.seen.contains_key(file.as_str()) {
                search.visit(file);
            }
        }
        let mut found = search.found;
        found.retain(|files| files.len() > 1);
        found.sort_by_key(|files| std::cmp::Reverse(files.len()));
        found.into_iter().map(|files| self.circle(files)).collect()
    }

    /// One line for every file that `file` uses and `wanted` wants.
    pub(super) fn uses(&self, file: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let used = self.0.get(file).into_iter().flatten().filter(|(to, _)| wanted(to));
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
        writeln!(f, "{} files reach each other:", self.files.len())?;
        self.uses.iter().try_for_each(|line| writeln!(f, "    {line}"))
    }
}

/// Tarjan's search for strongly connected components.
struct Search<'a> {
    graph: &'a Graph,
    /// Where each file comes in the order of first visits.
    seen: BTreeMap<&'a str, usize>,
    /// Files whose component is not known yet.
    open: Vec<&'a str>,
    found: Vec<Vec<&'a str>>,
}

impl<'a> Search<'a> {
    /// Visits `file` and what it reaches; says the order of the earliest open file among these.
    fn visit(&mut self, file: &'a str) -> usize {
        let order = self.seen.len();
        self.seen.insert(file, order);
        let place = self.open.len();
        self.open.push(file);
        let mut earliest = order;
        let graph = self.graph;
        for used in graph.0.get(file).into_iter().flat_map(BTreeMap::keys) {
            match self.seen.get(used.as_str()) {
                None => earliest = earliest.min(self.visit(used)),
                Some(order) if self.open.contains(&used.as_str()) => earliest = earliest.min(*order),
                Some(_) => {}
            }
        }
        if earliest == order {
            self.found.push(self.open.split_off(place));
        }
        earliest
    }
}
