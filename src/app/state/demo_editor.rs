//! The demonstrations as they are edited, and a text of one's own.

use crate::{
    runner::{Answer, Demonstration},
    text::printable,
};

use super::{margin::Argument, open_run::Sheet};

/// The demonstrations of the shown run as they are being edited.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Editor {
    /// The sheet they were taken from, by id.
    pub sheet: u64,
    /// As they are now.
    pub demos: Vec<Demonstration>,
    /// On which of them the cursor is.
    pub at: usize,
    /// Lines of the prompt that lie below those that are shown.
    pub scroll: usize,
    /// The text of one's own; empty if there is none.
    pub own: String,
    /// What the model's worker said last.
    pub answer: Option<Answer>,
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
pub enum Fate {
    /// As in the run.
    Same,
    /// It shows another label.
    Relabelled,
    /// It was not in the run.
    New,
}

impl Editor {
    /// The demonstrations of `sheet`, unchanged.
    pub fn of(sheet: &Sheet) -> Self {
        Self { sheet: sheet.id, demos: sheet.prompt.demos.clone(), ..Self::default() }
    }

    /// What became of the demonstration at `index` since the run `sheet`.
    pub fn fate(&self, sheet: &Sheet, index: usize) -> Fate {
        let demo = &self.demos[index];
        match sheet.prompt.demos.iter().find(|other| other.id == demo.id) {
            Some(other) if other.label == demo.label => Fate::Same,
            Some(_) => Fate::Relabelled,
            None => Fate::New,
        }
    }

    /// Whether the model's worker still has to say something.
    pub fn is_waiting(&self) -> bool {
        let answered = self.answer.as_ref().is_some_and(|answer| answer.serial == self.serial);
        self.asked.is_some() && !answered && self.refused.is_none()
    }

    /// The same for another run: its demonstrations, with the cursor, the text of one's own and the question's number.
    #[must_use]
    pub fn moved_to(self, sheet: &Sheet) -> Self {
        let fresh = Self::of(sheet);
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

    /// The answer about the text of one's own, taken apart under the faders of `sheet`: for the label that the model
    /// says, against the runner-up.
    pub fn argument(&self, sheet: &Sheet) -> Option<Argument> {
        let table = self.answer.as_ref()?.table.as_ref()?;
        let same = table.shape() == sheet.shape && !self.own.trim().is_empty();
        same.then(|| Argument::of_text(table, sheet.desk.on.then_some(&sheet.desk)))
    }
}

/// The text of a demonstration in one line, safe to show.
pub fn summary(demo: &Demonstration) -> String {
    let fields = demo.fields.iter().flat_map(|fields| fields.values());
    let texts: Vec<&str> = fields.filter_map(serde_json::Value::as_str).collect();
    printable(&texts.join(" · ")).into_owned()
}
