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
    /// Demonstrations of the run itself.
    original: Vec<Demonstration>,
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
        let demos = run.prompt.demos.clone();
        Self { run: run.id, original: demos.clone(), demos, ..Self::default() }
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

    /// Replaces the demonstrations, as one change that can be undone.
    #[must_use]
    pub fn with_demos(mut self, demos: Vec<Demonstration>) -> Self {
        self.edit(|now| *now = demos);
        self
    }

    /// Continues with the edits of this editor for the run `id`, and with the text and the serial number of `before`.
    #[must_use]
    pub fn resumed(self, id: u64, before: Self) -> Self {
        Self { run: id, text: before.text, serial: before.serial, answer: None, failure: None, asked: None, ..self }
    }

    /// Whether the demonstrations differ from those of the run.
    pub fn is_edited(&self) -> bool {
        self.demos != self.original
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

    /// Undoes the last change and describes it; `None` if there is none.
    pub fn undo(&mut self) -> Option<String> {
        let before = self.past.pop()?;
        let after = std::mem::replace(&mut self.demos, before);
        let what = change(&self.demos, &after);
        self.future.push(after);
        Some(what)
    }

    /// Redoes the last undone change and describes it; `None` if there is none.
    pub fn redo(&mut self) -> Option<String> {
        let after = self.future.pop()?;
        let before = std::mem::replace(&mut self.demos, after);
        let what = change(&before, &self.demos);
        self.past.push(before);
        Some(what)
    }

    /// Returns the margin breakdown of the text with the current weights of `run`: predicted label against runner-up.
    pub fn breakdown(&self, run: &OpenRun) -> Option<MarginBreakdown> {
        let table = self.answer.as_ref()?.table.as_ref()?;
        let same = table.shape() == run.shape && !self.text.trim().is_empty();
        same.then(|| MarginBreakdown::for_text(table, run.mixer.on.then_some(&run.mixer)))
    }
}

/// Describes the change from one list of demonstrations to another.
fn change(before: &[Demonstration], after: &[Demonstration]) -> String {
    let differ = before.iter().zip(after).position(|(before, after)| before != after);
    let first = differ.unwrap_or(before.len().min(after.len()));
    let same_ids = before.len() == after.len() && before.iter().zip(after).all(|(before, after)| before.id == after.id);
    let changed = before.iter().zip(after).filter(|(before, after)| before != after).count();
    let what = match before.len().cmp(&after.len()) {
        std::cmp::Ordering::Less => "addition of",
        std::cmp::Ordering::Greater => "removal of",
        std::cmp::Ordering::Equal if same_ids => "new label of",
        std::cmp::Ordering::Equal if changed == 2 => "move of",
        std::cmp::Ordering::Equal => "replacement of",
    };
    format!("{what} demonstration {}", first + 1)
}

/// Returns the text of a demonstration in one line, without control characters.
pub fn summary(demo: &Demonstration) -> String {
    let fields = demo.fields.iter().flat_map(|fields| fields.values());
    let texts: Vec<&str> = fields.filter_map(serde_json::Value::as_str).collect();
    printable(&texts.join(" · ")).into_owned()
}
