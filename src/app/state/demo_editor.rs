//! The demonstrations as they are edited, and a text of one's own.

use crate::{
    runner::{Demonstration, QueryAnswer},
    text::printable,
};

use super::{margin::MarginBreakdown, open_run::OpenRun};

/// The demonstrations of the shown run as they are being edited.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Editor {
    /// The run they were taken from, by id.
    pub run: u64,
    /// As they are now.
    pub demos: Vec<Demonstration>,
    /// On which of them the cursor is.
    pub at: usize,
    /// Lines of the prompt that lie below those that are shown.
    pub scroll: usize,
    /// The text of one's own; empty if there is none.
    pub own: String,
    /// What the model's worker said last.
    pub answer: Option<QueryAnswer>,
    /// Why it could not say anything, if so.
    pub refused: Option<String>,
    before: Vec<Vec<Demonstration>>,
    after: Vec<Vec<Demonstration>>,
    /// The question that was asked last: the demonstrations and the text of one's own.
    pub asked: Option<(Vec<Demonstration>, String)>,
    /// The number of that question.
    pub serial: u64,
}

/// What became of a demonstration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditStatus {
    /// As in the run.
    Same,
    /// It shows another label.
    Relabelled,
    /// It was not in the run.
    New,
}

impl Editor {
    /// The demonstrations of `run`, unchanged.
    pub fn of(run: &OpenRun) -> Self {
        Self { run: run.id, demos: run.prompt.demos.clone(), ..Self::default() }
    }

    /// What became of the demonstration at `index` since the run `run`.
    pub fn status(&self, run: &OpenRun, index: usize) -> EditStatus {
        let demo = &self.demos[index];
        match run.prompt.demos.iter().find(|other| other.id == demo.id) {
            Some(other) if other.label == demo.label => EditStatus::Same,
            Some(_) => EditStatus::Relabelled,
            None => EditStatus::New,
        }
    }

    /// Whether the model's worker still has to say something.
    pub fn is_waiting(&self) -> bool {
        let answered = self.answer.as_ref().is_some_and(|answer| answer.serial == self.serial);
        self.asked.is_some() && !answered && self.refused.is_none()
    }

    /// The same for another run: its demonstrations, with the cursor, the text of one's own and the question's number.
    #[must_use]
    pub fn moved_to(self, run: &OpenRun) -> Self {
        let fresh = Self::of(run);
        let at = self.at.min(fresh.demos.len().saturating_sub(1));
        Self { at, own: self.own, serial: self.serial, ..fresh }
    }

    /// Changes the demonstrations; a change that changes nothing is not remembered.
    pub fn edit(&mut self, change: impl FnOnce(&mut Vec<Demonstration>)) {
        let before = self.demos.clone();
        change(&mut self.demos);
        if self.demos != before {
            self.before.push(before);
            self.after.clear();
        }
        self.at = self.at.min(self.demos.len().saturating_sub(1));
    }

    /// Takes the last change back; `false` if there is none.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.before.pop() else { return false };
        self.after.push(std::mem::replace(&mut self.demos, before));
        true
    }

    /// Makes the change again that was taken back; `false` if there is none.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.after.pop() else { return false };
        self.before.push(std::mem::replace(&mut self.demos, after));
        true
    }

    /// The answer about the text of one's own, taken apart under the faders of `run`: for the label that the model
    /// says, against the runner-up.
    pub fn breakdown(&self, run: &OpenRun) -> Option<MarginBreakdown> {
        let table = self.answer.as_ref()?.table.as_ref()?;
        let same = table.shape() == run.shape && !self.own.trim().is_empty();
        same.then(|| MarginBreakdown::for_text(table, run.mixer.on.then_some(&run.mixer)))
    }
}

/// The text of a demonstration in one line, safe to show.
pub fn summary(demo: &Demonstration) -> String {
    let fields = demo.fields.iter().flat_map(|fields| fields.values());
    let texts: Vec<&str> = fields.filter_map(serde_json::Value::as_str).collect();
    printable(&texts.join(" · ")).into_owned()
}
