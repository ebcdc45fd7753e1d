//! Test examples that repeat examples of the pool, or each other, word for word.

use std::collections::{HashMap, HashSet};

use super::file::Task;

/// Repeated contents in a task's data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlap {
    /// Ids of test examples that are also in the pool, each with the id there. A run that draws such an example of the
    /// pool must not score its copy.
    pub leaks: Vec<(String, String)>,
    /// Number of test examples with the content of an earlier one.
    pub duplicates: usize,
}

impl Task {
    /// Finds test examples that repeat others in all fields that some template shows, apart from white space.
    pub fn overlap(&self) -> Overlap {
        let mut leaks: HashMap<&str, &str> = HashMap::new();
        let mut repeated: HashSet<&str> = HashSet::new();
        for template in &self.templates {
            let fields = template.fields();
            let pool: HashMap<String, &str> =
                self.pool.iter().rev().map(|own| (own.content(&fields), own.id.as_str())).collect();
            let mut seen = HashSet::new();
            for example in &self.test {
                let content = example.content(&fields);
                if content.is_empty() {
                    continue;
                }
                if let Some(twin) = pool.get(&content) {
                    leaks.entry(&example.id).or_insert(twin);
                }
                if !seen.insert(content) {
                    repeated.insert(&example.id);
                }
            }
        }
        let leak = |id: &str| leaks.get(id).map(|twin| (id.to_owned(), (*twin).to_owned()));
        Overlap { leaks: self.test.iter().filter_map(|own| leak(&own.id)).collect(), duplicates: repeated.len() }
    }
}
