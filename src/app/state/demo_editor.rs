//! The demonstration editor: edited demonstrations, and a text to classify with them.

use crate::{
    runner::{Demonstration, QueryAnswer},
    text::printable,
};

use super::{margin::MarginBreakdown, open_run::OpenRun};

/// Edited demonstrations of the shown run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Editor {
    /// Id of the run they come from.
    pub run: u64,
    /// Current demonstrations.
    pub demos: Vec<Demonstration>,
    /// Index of the demonstration under the cursor.
    pub at: usize,
    /// Lines of the prompt below the visible ones.
    pub scroll: usize,
    /// Text to classify; empty if there is none.
    pub text: String,
    /// Last answer of the model worker.
    pub answer: Option<QueryAnswer>,
    /// Error message, if the last query failed.
    pub failure: Option<String>,
    past: Vec<Vec<Demonstration>>,
    future: Vec<Vec<Demonstration>>,
    /// Demonstrations and text of the last query.
    pub asked: Option<(Vec<Demonstration>, String)>,
    /// Serial number of the last query.
    pub serial: u64,
}

/// Status of a demonstration compared with the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditStatus {
    /// Unchanged.
    Same,
    /// With another label.
    Relabelled,
    /// Not in the run.
    New,
}

impl Editor {
    /// Starts with the demonstrations of `run`.
    pub fn new(run: &OpenRun) -> Self {
        Self { run: run.id, demos: run.prompt.demos.clone(), ..Self::default() }
    }

    /// Returns the status of the demonstration at `index` compared with `run`.
    pub fn status(&self, run: &OpenRun, index: usize) -> EditStatus {
        let demo = &self.demos[index];
        match run.prompt.demos.iter().find(|other| other.id == demo.id) {
            Some(other) if other.label == demo.label => EditStatus::Same,
            Some(_) => EditStatus::Relabelled,
            None => EditStatus::New,
        }
    }

    /// Whether the last query is unanswered.
    pub fn is_waiting(&self) -> bool {
        let answered = self.answer.as_ref().is_some_and(|answer| answer.serial == self.serial);
        self.asked.is_some() && !answered && self.failure.is_none()
    }

    /// Switches to the demonstrations of another run and keeps the cursor, the text and the serial number.
    #[must_use]
    pub fn moved_to(self, run: &OpenRun) -> Self {
        let fresh = Self::new(run);
        let at = self.at.min(fresh.demos.len().saturating_sub(1));
        Self { at, text: self.text, serial: self.serial, ..fresh }
    }

    /// Changes the demonstrations; only an actual change is added to the history.
    pub fn edit(&mut self, change: impl FnOnce(&mut Vec<Demonstration>)) {
        let before = self.demos.clone();
        change(&mut self.demos);
        if self.demos != before {
            self.past.push(before);
            self.future.clear();
        }
        self.at = self.at.min(self.demos.len().saturating_sub(1));
    }

    /// Undoes the last change; `false` if there is none.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.past.pop() else { return false };
        self.future.push(std::mem::replace(&mut self.demos, before));
        true
    }

    /// Redoes the last undone change; `false` if there is none.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.future.pop() else { return false };
        self.past.push(std::mem::replace(&mut self.demos, after));
        true
    }

    /// Returns the margin breakdown of the text with the current weights of `run`: predicted label against runner-up.
    pub fn breakdown(&self, run: &OpenRun) -> Option<MarginBreakdown> {
        let table = self.answer.as_ref()?.table.as_ref()?;
        let same = table.shape() == run.shape && !self.text.trim().is_empty();
        same.then(|| MarginBreakdown::for_text(table, run.mixer.on.then_some(&run.mixer)))
    }
}

/// Returns the text of a demonstration in one line, without control characters.
pub fn summary(demo: &Demonstration) -> String {
    let fields = demo.fields.iter().flat_map(|fields| fields.values());
    let texts: Vec<&str> = fields.filter_map(serde_json::Value::as_str).collect();
    printable(&texts.join(" · ")).into_owned()
}
