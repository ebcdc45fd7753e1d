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
    /// Finds test examples that some template shows like others, apart from white space.
    pub fn overlap(&self) -> Overlap {
        let mut leaks: HashMap<&str, &str> = HashMap::new();
        let mut repeated: HashSet<&str> = HashSet::new();
        for template in &self.templates {
            let pool = template.contents(self.pool.iter().rev()).into_iter();
            let pool: HashMap<String, &str> = pool.zip(self.pool.iter().rev().map(|own| own.id.as_str())).collect();
            let mut seen = HashSet::new();
            for (example, content) in self.test.iter().zip(template.contents(&self.test)) {
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
