//! The models that the session can open.

use crate::{jobs::ListedModel, size::format_size};

/// Most recent models that are remembered.
const RECENT: usize = 20;

/// Models found so far, and those used recently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Models {
    /// Name of the session's model, as `-m` takes it; `None` if only saved runs are open.
    pub current: Option<String>,
    /// Names of recently used models, newest first.
    pub recent: Vec<String>,
    /// Models found so far.
    pub found: Vec<ListedModel>,
    /// Whether the search goes on.
    pub is_searching: bool,
}

impl Models {
    /// Makes `name` the session's model.
    pub fn choose(&mut self, name: &str) {
        self.recent.retain(|other| other != name);
        self.recent.insert(0, name.to_owned());
        self.recent.truncate(RECENT);
        self.current = Some(name.to_owned());
    }
}

/// Describes a model in one line: `gemma3 0.27 B, q8_0, needs 525 MB of 9.8 GB free`.
pub fn about(model: &ListedModel) -> String {
    match &model.facts {
        Ok(facts) => {
            let need = facts.need.map_or_else(|| "?".to_owned(), format_size);
            let free = facts.free.map_or_else(String::new, |free| format!(" of {} free", format_size(free)));
            let size = facts.parameters as f64;
            let size = if size < 9.5e7 { format!("{:.1} M", size / 1e6) } else { format!("{:.2} B", size / 1e9) };
            format!("{} {size}, {}, needs {need}{free}", facts.family, facts.stored_as)
        }
        Err(why) => format!("cannot be used: {why}"),
    }
}

/// Whether the model needs more memory than is free.
pub fn is_too_large(model: &ListedModel) -> bool {
    model.facts.as_ref().is_ok_and(|facts| facts.need.zip(facts.free).is_some_and(|(need, free)| need > free))
}
