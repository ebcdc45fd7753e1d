//! Actions on the demonstrations and the text to classify.

use std::sync::Arc;

use crate::{
    app::{
        action::{Action, Section},
        effect::Effect,
        state::{
            Overlay, Screen, Severity, State,
            demo_editor::summary,
            input::{InputKind, LineInput},
            list::{moved, rows_of},
            open_run::OpenRun,
            selection::candidates,
        },
    },
    jobs::FileRequest,
    runner::{Demonstration, Prompting, Query, QueryAnswer},
    task::Task,
    text::printable,
};

use super::copying;

/// Converts the pool example at `index` to a demonstration.
fn from_pool(task: &Task, index: usize) -> Demonstration {
    let example = &task.pool[index];
    Demonstration {
        id: example.id.clone(),
        label: task.labels.get(example.label).cloned(),
        fields: Some(example.fields.clone()),
    }
}

/// Whether the editor handles an action itself.
const fn is_editing(action: Action) -> bool {
    matches!(action.section(), Section::Prompt)
        || matches!(action, Action::Undo | Action::Redo)
        || rows_of(action, 0).is_some()
}

/// Handles the actions of this screen.
pub(super) fn act(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    match action {
        Action::Copy => Some(copying::copy(state, cells(state))),
        _ if is_editing(action) => {
            edit(state, action);
            Some(Vec::new())
        }
        _ => None,
    }
}

/// Opens this screen with the input line for a text to classify.
pub(super) fn open_text(state: &mut State) -> Vec<Effect> {
    state.screen = Screen::Prompt;
    let effects = refresh_and_query(state);
    edit(state, Action::TryText);
    effects
}

/// Selects a demonstration.
pub fn choose(state: &mut State, row: usize) {
    if let Some(editor) = &mut state.editor {
        editor.at = row;
    }
}

/// Shows a notice that demonstrations can only be edited on their screen.
pub(super) fn explain_where(state: &mut State) {
    let prompt = state.key_of(Action::Prompt);
    state.notify(Severity::Plain, format!("this works in the demonstrations only: {prompt} opens them"));
}

/// Returns the row to copy: the text to classify, or else label and text of the selected demonstration.
fn cells(state: &State) -> Option<Vec<String>> {
    let editor = state.editor.as_ref()?;
    if !editor.text.is_empty() {
        return Some(vec![editor.text.clone()]);
    }
    let demo = editor.demos.get(editor.at)?;
    Some(vec![demo.label.clone().unwrap_or_default(), summary(demo)])
}

fn edit(state: &mut State, action: Action) {
    let task = state.task().cloned();
    let Some(editor) = &mut state.editor else { return };
    let (at, count) = (editor.at, editor.demos.len());
    let last = count.saturating_sub(1);
    match action {
        Action::Up | Action::Down | Action::Top | Action::Bottom => {
            editor.at = moved(at, rows_of(action, 0).unwrap_or(0), count);
        }
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
        Action::Later | Action::Earlier | Action::Remove | Action::Relabel | Action::Swap if count == 0 => {
            state.notify(Severity::Plain, "the prompt has no demonstrations");
        }
        Action::Later => state.notify(Severity::Plain, "this is the last demonstration"),
        Action::Earlier => state.notify(Severity::Plain, "this is the first demonstration"),
        Action::Remove => editor.edit(|demos| drop(demos.remove(at))),
        Action::Undo | Action::Redo => {
            let word = if action == Action::Undo { "undo" } else { "redo" };
            let done = if action == Action::Undo { editor.undo() } else { editor.redo() };
            state.notify(
                Severity::Plain,
                done.map_or_else(|| format!("nothing to {word}"), |what| format!("{word}ne: {what}")),
            );
        }
        Action::TryText => {
            let text = editor.text.clone();
            state.overlay = Some(Overlay::Line(LineInput { kind: InputKind::TryText, text, confirmed: false }));
        }
        Action::Relabel | Action::Replace | Action::Add | Action::Swap => match task {
            Some(task) => edit_from_pool(state, action, &task),
            None => state.notify(Severity::Plain, "still reading the examples of the task"),
        },
        _ => {}
    }
    let shown = state.editor.as_ref().map_or(0, |editor| editor.demos.len());
    if let Some(editor) = &mut state.editor {
        editor.at = editor.at.min(shown.saturating_sub(1));
    }
}

/// Handles the edits that need the labels or the pool of the task.
fn edit_from_pool(state: &mut State, action: Action, task: &Task) {
    let spare = candidates(state, "");
    let Some(editor) = &mut state.editor else { return };
    let at = editor.at;
    match action {
        Action::Relabel if at < editor.demos.len() => editor.edit(|demos| {
            let shown = demos[at].label.as_ref().and_then(|label| task.labels.iter().position(|other| other == label));
            demos[at].label = Some(task.labels[shown.map_or(0, |shown| (shown + 1) % task.labels.len())].clone());
        }),
        Action::Swap if at < editor.demos.len() => {
            let number = |demo: &Demonstration| task.pool.iter().position(|example| example.id == demo.id);
            let (here, label) = (number(&editor.demos[at]), editor.demos[at].label.clone());
            let alike = |index: &&usize| task.labels.get(task.pool[**index].label) == label.as_ref();
            let after = spare.iter().filter(alike).find(|&&index| here.is_none_or(|here| index > here));
            match after.or_else(|| spare.iter().find(alike)) {
                Some(&index) => editor.edit(|demos| demos[at] = from_pool(task, index)),
                None => state.notify(Severity::Plain, "the pool has no other example of this label"),
            }
        }
        Action::Add | Action::Replace if !spare.is_empty() => {
            let replace = action == Action::Replace && at < editor.demos.len();
            state.overlay = Some(Overlay::Pool { needle: String::new(), at: 0, replace });
        }
        Action::Add | Action::Replace => state.notify(Severity::Plain, "all examples of the pool are in the prompt"),
        _ => {}
    }
}

/// Handles actions in the list of pool examples.
pub(super) fn in_pool(state: &mut State, action: Action) {
    let Some(Overlay::Pool { needle, at, replace }) = state.overlay.clone() else { return };
    let found = candidates(state, &needle);
    let count = found.len();
    let moved_by = |rows| Overlay::Pool { needle, at: moved(at, rows, count), replace };
    state.overlay = rows_of(action, state.page).map(moved_by);
    let (Action::Accept, Some(&chosen), Some(task)) = (action, found.get(at), state.task().cloned()) else { return };
    if let Some(editor) = &mut state.editor {
        let (demo, here) = (from_pool(&task, chosen), editor.at);
        let next = (here + 1).min(editor.demos.len());
        editor.edit(|demos| if replace { demos[here] = demo } else { demos.insert(next, demo) });
        editor.at = if replace { here } else { next };
    }
}

/// Switches the editor to the shown run, requests its task, and queries the model if the prompt or the text changed.
pub(super) fn refresh_and_query(state: &mut State) -> Vec<Effect> {
    if state.screen != Screen::Prompt {
        return Vec::new();
    }
    let Some(run) = state.run() else { return Vec::new() };
    if state.editor.as_ref().is_none_or(|editor| editor.run != run.id) {
        state.editor = Some(state.editor.clone().unwrap_or_default().moved_to(run));
    }
    let has_model = state.requested.is_some() && state.run().is_some_and(|run| state.is_own(run));
    let template = state.run().map(|run| run.task.template.clone());
    let request = state.run().and_then(|run| run.request.as_ref());
    let prompting = request.map_or_else(Prompting::default, |request| request.prompting);
    let Some(task) = state.task().cloned() else {
        let name = state.run().and_then(task_name);
        return name.map_or_else(Vec::new, |name| request_task(state, name));
    };
    let Some(editor) = state.editor.as_mut().filter(|_| has_model) else { return Vec::new() };
    let prompt = (editor.demos.clone(), editor.text.clone());
    if editor.asked.as_ref() == Some(&prompt) {
        return Vec::new();
    }
    let serial = state.generations.assign();
    (editor.serial, editor.failure, editor.asked) = (serial, None, Some(prompt.clone()));
    let query = Query { serial, task, template, prompting, demos: prompt.0, text: prompt.1 };
    vec![Effect::Query { query: Box::new(query), during_run: state.phase.is_busy() }]
}

fn task_name(run: &OpenRun) -> Option<String> {
    run.request.as_ref().map(|request| request.task.clone())
}

/// Requests the tasks of the compared runs, whose label words stand beside their demonstrations.
pub(super) fn request_compared_tasks(state: &mut State) -> Vec<Effect> {
    if state.screen != Screen::Compare {
        return Vec::new();
    }
    let names: Vec<String> = state.run().into_iter().chain(state.other_run()).filter_map(task_name).collect();
    names.into_iter().flat_map(|name| request_task(state, name)).collect()
}

/// Requests a task, once.
fn request_task(state: &mut State, name: String) -> Vec<Effect> {
    if state.tasks.contains_key(&name) {
        return Vec::new();
    }
    state.tasks.insert(name.clone(), None);
    vec![Effect::File(FileRequest::ReadTask(name))]
}

/// Repeats a query that a run left unanswered when it ended.
pub(super) fn ask_again(state: &mut State) {
    if let Some(editor) = state.editor.as_mut().filter(|editor| editor.is_waiting()) {
        editor.asked = None;
    }
}

/// Handles the answer to a query; answers to earlier queries are dropped.
pub(super) fn on_query_answer(state: &mut State, serial: u64, answer: Result<QueryAnswer, String>) {
    let Some(editor) = state.editor.as_mut().filter(|editor| editor.serial == serial) else { return };
    match answer {
        Ok(answer) => (editor.answer, editor.failure) = (Some(answer), None),
        Err(why) => (editor.answer, editor.failure) = (None, Some(printable(&why).into_owned())),
    }
    state.refresh();
}

/// Handles a task that was read.
pub(super) fn on_task(state: &mut State, name: String, task: Result<Arc<Task>, String>) -> Vec<Effect> {
    if let (Err(why), Screen::Prompt) = (&task, state.screen) {
        state.notify(Severity::Bad, printable(why).into_owned());
    }
    state.tasks.insert(name, Some(task));
    refresh_and_query(state)
}
