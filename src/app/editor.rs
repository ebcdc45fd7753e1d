//! The demonstration editor: what stands in the prompt, changed by hand, and a text of one's own.

use std::sync::Arc;

use crate::{
    jobs::Errand,
    runner::{Answer, Ask, Demonstration, Demos, RunRequest},
    task::Task,
    text::printable,
};

use super::{
    action::Action,
    argument::Argument,
    sheet::Sheet,
    state::{Overlay, Screen, State, Tone},
    typing::{Purpose, Typed, rows_of},
    update::Effect,
};

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
    asked: Option<(Vec<Demonstration>, String)>,
    serial: u64,
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
    fn of(sheet: &Sheet) -> Self {
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

    fn edit(&mut self, change: impl FnOnce(&mut Vec<Demonstration>)) {
        let before = self.demos.clone();
        change(&mut self.demos);
        if self.demos != before {
            self.before.push(before);
            self.after.clear();
        }
        self.at = self.at.min(self.demos.len().saturating_sub(1));
    }

    fn undo(&mut self) -> bool {
        let Some(before) = self.before.pop() else { return false };
        self.after.push(std::mem::replace(&mut self.demos, before));
        true
    }

    fn redo(&mut self) -> bool {
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

/// The example of the task's pool with this number, as a demonstration.
fn from_pool(task: &Task, index: usize) -> Demonstration {
    let example = &task.pool[index];
    Demonstration {
        id: example.id.clone(),
        label: task.labels.get(example.label).cloned(),
        fields: Some(example.fields.clone()),
    }
}

/// The examples of the pool that are not in the prompt and have `needle` in their text, by number.
pub fn candidates(state: &State, needle: &str) -> Vec<usize> {
    let (Some(editor), Some(task)) = (&state.editor, state.task()) else { return Vec::new() };
    let needle = needle.to_lowercase();
    let free = |index: &usize| {
        let example = &task.pool[*index];
        let text = || format!("{} {}", task.labels[example.label], example.summary()).to_lowercase();
        !editor.demos.iter().any(|demo| demo.id == example.id) && text().contains(&needle)
    };
    (0..task.pool.len()).filter(free).collect()
}

/// The run that is asked for by what stands in the prompt; `None` if that is the run that is shown.
pub(super) fn edited_request(state: &State) -> Option<RunRequest> {
    let (editor, sheet) = (state.editor.as_ref()?, state.sheet()?);
    let changed = state.screen == Screen::Prompt && editor.sheet == sheet.id && editor.demos != sheet.prompt.demos;
    let request = sheet.request.clone().filter(|_| changed)?;
    Some(RunRequest { demos: Demos::Listed(editor.demos.clone()), ..request })
}

/// What an action does to the demonstrations.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    let task = state.task().cloned();
    let Some(editor) = &mut state.editor else { return Vec::new() };
    let (at, last) = (editor.at, editor.demos.len().saturating_sub(1));
    match action {
        Action::Up => editor.at = at.saturating_sub(1),
        Action::Down => editor.at = (at + 1).min(last),
        Action::Top => editor.at = 0,
        Action::Bottom => editor.at = last,
        Action::PageDown => editor.scroll = editor.scroll.saturating_sub(4),
        Action::PageUp => editor.scroll += 4,
        Action::Later if at < last => {
            editor.edit(|demos| demos.swap(at, at + 1));
            editor.at += 1;
        }
        Action::Earlier if at > 0 => {
            editor.edit(|demos| demos.swap(at, at - 1));
            editor.at -= 1;
        }
        Action::Remove if !editor.demos.is_empty() => editor.edit(|demos| drop(demos.remove(at))),
        Action::Undo if !editor.undo() => state.notify(Tone::Plain, "there is nothing to take back"),
        Action::Redo if !editor.redo() => state.notify(Tone::Plain, "there is nothing to make again"),
        Action::OwnText => {
            let text = editor.own.clone();
            state.overlay = Some(Overlay::Line(Typed { purpose: Purpose::OwnText, text, sure: false }));
        }
        Action::Relabel | Action::Replace | Action::Add | Action::Another => match task {
            Some(task) => with_task(state, action, &task),
            None => state.notify(Tone::Plain, "the task's examples are being read"),
        },
        _ => {}
    }
    let shown = state.editor.as_ref().map_or(0, |editor| editor.demos.len());
    if let Some(editor) = &mut state.editor {
        editor.at = editor.at.min(shown.saturating_sub(1));
    }
    Vec::new()
}

fn with_task(state: &mut State, action: Action, task: &Task) {
    let spare = candidates(state, "");
    let Some(editor) = &mut state.editor else { return };
    let at = editor.at;
    match action {
        Action::Relabel if at < editor.demos.len() => editor.edit(|demos| {
            let shown = demos[at].label.as_ref().and_then(|label| task.labels.iter().position(|other| other == label));
            demos[at].label = Some(task.labels[shown.map_or(0, |shown| (shown + 1) % task.labels.len())].clone());
        }),
        Action::Another if at < editor.demos.len() => {
            let number = |demo: &Demonstration| task.pool.iter().position(|example| example.id == demo.id);
            let (here, label) = (number(&editor.demos[at]), editor.demos[at].label.clone());
            let alike = |index: &&usize| task.labels.get(task.pool[**index].label) == label.as_ref();
            let after = spare.iter().filter(alike).find(|&&index| here.is_none_or(|here| index > here));
            match after.or_else(|| spare.iter().find(alike)) {
                Some(&index) => editor.edit(|demos| demos[at] = from_pool(task, index)),
                None => state.notify(Tone::Plain, "the pool has no other example of this label"),
            }
        }
        Action::Add | Action::Replace if !spare.is_empty() => {
            let replace = action == Action::Replace && at < editor.demos.len();
            state.overlay = Some(Overlay::Pool { needle: String::new(), at: 0, replace });
        }
        Action::Add | Action::Replace => state.notify(Tone::Plain, "every example of the pool is in the prompt"),
        _ => {}
    }
}

/// What an action does while an example of the pool is chosen.
pub(super) fn in_pool(state: &mut State, action: Action) {
    let Some(Overlay::Pool { needle, at, replace }) = state.overlay.clone() else { return };
    let found = candidates(state, &needle);
    let last = found.len().saturating_sub(1);
    state.overlay = rows_of(action, state.page).map(|rows| Overlay::Pool {
        needle,
        at: at.saturating_add_signed(rows).min(last),
        replace,
    });
    let (Action::Accept, Some(&chosen), Some(task)) = (action, found.get(at), state.task().cloned()) else { return };
    if let Some(editor) = &mut state.editor {
        let (demo, here) = (from_pool(&task, chosen), editor.at);
        let next = (here + 1).min(editor.demos.len());
        editor.edit(|demos| if replace { demos[here] = demo } else { demos.insert(next, demo) });
        editor.at = if replace { here } else { next };
    }
}

/// Keeps the editor on the shown run, fetches its task, and asks the model about the prompt if that changed.
pub(super) fn settle(state: &mut State) -> Vec<Effect> {
    if state.screen != Screen::Prompt {
        return Vec::new();
    }
    let Some(sheet) = state.sheet() else { return Vec::new() };
    if state.editor.as_ref().is_none_or(|editor| editor.sheet != sheet.id) {
        let fresh = Editor::of(sheet);
        let Editor { own, serial, at, .. } = state.editor.take().unwrap_or_default();
        let at = at.min(fresh.demos.len().saturating_sub(1));
        state.editor = Some(Editor { at, own, serial, ..fresh });
    }
    let (has_model, template) = (state.wanted.is_some(), state.sheet().map(|sheet| sheet.task.template.clone()));
    let Some(task) = state.task().cloned() else { return fetch(state) };
    let Some(editor) = state.editor.as_mut().filter(|_| has_model) else { return Vec::new() };
    let question = (editor.demos.clone(), editor.own.clone());
    if editor.asked.as_ref() == Some(&question) {
        return Vec::new();
    }
    editor.serial += 1;
    editor.refused = None;
    editor.asked = Some(question.clone());
    let ask = Ask { serial: editor.serial, task, template, demos: question.0, text: question.1 };
    vec![Effect::Ask(Box::new(ask))]
}

/// Has the task of the shown run read, once.
fn fetch(state: &mut State) -> Vec<Effect> {
    let name = state.sheet().and_then(|sheet| sheet.request.as_ref()).map(|request| request.task.clone());
    match name.filter(|name| !state.tasks.contains_key(name)) {
        Some(name) => {
            state.tasks.insert(name.clone(), None);
            vec![Effect::Errand(Errand::ReadTask(name))]
        }
        None => Vec::new(),
    }
}

/// Asks again what a run that ended left unanswered.
pub(super) fn ask_again(state: &mut State) {
    if let Some(editor) = state.editor.as_mut().filter(|editor| editor.is_waiting()) {
        editor.asked = None;
    }
}

/// Takes in what the model said to a question; late answers are dropped.
pub fn hear_answer(state: &mut State, serial: u64, told: Result<Answer, String>) {
    let Some(editor) = state.editor.as_mut().filter(|editor| editor.serial == serial) else { return };
    match told {
        Ok(answer) => (editor.answer, editor.refused) = (Some(answer), None),
        Err(why) => (editor.answer, editor.refused) = (None, Some(printable(&why).into_owned())),
    }
    state.refresh();
}

/// Takes in a task that was read.
pub(super) fn hear_task(state: &mut State, name: String, task: Result<Arc<Task>, String>) -> Vec<Effect> {
    if let Err(why) = &task {
        state.notify(Tone::Bad, printable(why).into_owned());
    }
    state.tasks.insert(name, Some(task));
    settle(state)
}
