//! Actions on the list of runs: in progress, queued, open and stored.

use crate::{
    app::{
        action::Action,
        effect::Effect,
        state::{
            Overlay, Screen, Severity, State,
            comparison::comparable,
            input::{InputKind, LineInput},
            list::{moved, rows_of},
            open_run::{OpenRun, demos_name},
            run_list::RunRow,
            selection::{request_of, rows},
        },
    },
    jobs::{FileRequest, StoredContent, StoredRun},
    runner::{Demos, RunRequest},
    text::printable,
};

use super::{copying, requests};

/// Handles the actions of this screen: they move the cursor or apply to the selected row.
pub(super) fn act(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    let rows = rows(state);
    let movement = rows_of(action, state.page);
    let at = moved(state.run_list.at, movement.unwrap_or(0), rows.len());
    match action {
        Action::Copy => return Some(copying::copy(state, cells(state))),
        Action::Open | Action::Delete | Action::Rerun | Action::Compare => {}
        _ => {
            movement?;
            state.run_list.at = at;
        }
    }
    let pending_delete = state.run_list.pending_delete.take();
    let Some(row) = rows.get(at).filter(|_| movement.is_none()) else {
        if movement.is_none() {
            let queue = state.key_of(Action::Queue);
            state.notify(Severity::Plain, format!("there is no run yet: {queue} queues one"));
        }
        return Some(Vec::new());
    };
    Some(match action {
        Action::Open => open(state, row),
        Action::Delete => delete(state, row, pending_delete.as_ref()),
        Action::Rerun => rerun(state, row),
        _ => compare_with(state, row),
    })
}

/// Selects a row.
pub const fn choose(state: &mut State, row: usize) {
    state.run_list.at = row;
}

/// Opens the input line for the folder of a run.
pub(super) fn ask_for_folder(state: &mut State) {
    let kind = InputKind::OpenFolder;
    state.overlay = Some(Overlay::Line(LineInput { kind, text: String::new(), confirmed: false }));
}

/// Shows a notice that the action only works in the list of runs.
pub(super) fn explain_where(state: &mut State) {
    let runs = state.key_of(Action::Runs);
    state.notify(Severity::Plain, format!("this works in the list of runs only: {runs} opens it"));
}

fn open(state: &mut State, row: &RunRow) -> Vec<Effect> {
    match row {
        RunRow::InProgress => {
            requests::follow(state);
            state.screen = Screen::Map;
        }
        RunRow::Queued(_) => state.notify(Severity::Plain, "this run has not started yet"),
        RunRow::Open(id) => {
            if let Some(index) = state.runs.iter().position(|run| run.id == *id) {
                state.running.is_followed = false;
                state.show(index);
                state.screen = Screen::Map;
            }
        }
        RunRow::Stored(index) => match state.run_list.stored.as_ref().and_then(|stored| stored.get(*index)) {
            Some(StoredRun { key, content: StoredContent::Run(_), .. }) => {
                return vec![Effect::File(FileRequest::OpenRun(key.clone()))];
            }
            Some(StoredRun { content: StoredContent::Interrupted { .. }, .. }) => return rerun(state, row),
            _ => state.notify(Severity::Bad, "this run is damaged and can only be deleted"),
        },
    }
    Vec::new()
}

/// Cancels, dequeues or closes a run; a stored run is deleted on the second press.
fn delete(state: &mut State, row: &RunRow, pending_delete: Option<&String>) -> Vec<Effect> {
    match row {
        RunRow::InProgress => return requests::cancel(state),
        RunRow::Queued(index) => {
            state.run_list.queue.remove(*index);
            state.notify(Severity::Plain, "removed from the queue");
        }
        RunRow::Open(id) => {
            let name = state.runs.iter().find(|run| run.id == *id).map(OpenRun::short_name).unwrap_or_default();
            state.close_runs(|run| run.id != *id);
            state.notify(Severity::Plain, format!("closed {name}; its mix and its edits are kept"));
        }
        RunRow::Stored(index) => {
            let Some(run) = state.run_list.stored.as_ref().and_then(|stored| stored.get(*index)) else {
                return Vec::new();
            };
            let key = run.key.clone();
            if pending_delete == Some(&key) {
                return vec![Effect::File(FileRequest::DeleteRun(key))];
            }
            state.run_list.pending_delete = Some(key);
            let delete = state.key_of(Action::Delete);
            state.notify(Severity::Bad, format!("{delete} again deletes this run from disk"));
        }
    }
    Vec::new()
}

/// Requests the run of a row, now or after those in progress.
fn rerun(state: &mut State, row: &RunRow) -> Vec<Effect> {
    let Some(request) = request_of(state, row).filter(|_| state.requested.is_some()) else {
        state.notify(Severity::Plain, "cannot re-run: the original request or model is unavailable");
        return Vec::new();
    };
    if let RunRow::Queued(index) = row {
        state.run_list.queue.remove(*index);
    }
    enqueue(state, request)
}

/// Returns the row to copy: task, template, demonstrations, model and accuracy.
fn cells(state: &State) -> Option<Vec<String>> {
    let row = rows(state).get(state.run_list.at)?.clone();
    if let RunRow::Open(id) = row {
        let run = state.runs.iter().find(|run| run.id == id)?;
        let accuracy = format!("{:.4}", run.test.tally.full_accuracy()?);
        let (task, model) = (&run.task, run.model.id.clone());
        return Some(vec![task.name.clone(), task.template.clone(), run.demos_name(), model, accuracy]);
    }
    if let RunRow::Stored(index) = row {
        let StoredContent::Run(meta) = &state.run_list.stored.as_ref()?.get(index)?.content else { return None };
        let demos = meta.request.as_ref().map_or(&Demos::Balanced, |request| &request.demos);
        let demos = demos_name(demos, meta.prompt.demo_seed);
        let (task, accuracy) = (&meta.task, format!("{:.4}", meta.accuracy.full));
        return Some(vec![task.name.clone(), task.template.clone(), demos, meta.model.id.clone(), accuracy]);
    }
    None
}

/// Compares the shown run with the run of a row.
fn compare_with(state: &mut State, row: &RunRow) -> Vec<Effect> {
    let RunRow::Open(id) = row else {
        state.notify(Severity::Plain, "open this run first to compare it");
        return Vec::new();
    };
    let other = state.runs.iter().find(|run| run.id == *id);
    match other.zip(state.run()) {
        Some((other, shown)) if other.id == shown.id => {
            state.notify(Severity::Plain, "this is the shown run: choose another to compare it with");
        }
        Some((other, shown)) if !comparable(other, shown) => {
            state.notify(Severity::Plain, "cannot compare: these runs differ in task, or in layers, heads or labels");
        }
        Some(_) => {
            state.other = Some(*id);
            state.screen = Screen::Compare;
        }
        None => {}
    }
    Vec::new()
}

/// Starts a run, or queues it if another is in progress.
fn enqueue(state: &mut State, request: RunRequest) -> Vec<Effect> {
    if !state.phase.is_busy() {
        return requests::start_queued(state, request);
    }
    let waiting = state.run_list.queue.len() + 1;
    state.run_list.queue.push(request);
    state.notify(Severity::Plain, format!("queued: {waiting} waiting for the current run"));
    Vec::new()
}

/// Queues a run with the next set of demonstrations that is neither open nor requested.
pub(super) fn queue_next(state: &mut State) -> Vec<Effect> {
    let Some(current) = state.requested.clone() else {
        state.notify(Severity::Plain, "no model to run");
        return Vec::new();
    };
    let drawn = RunRequest {
        demos: if matches!(current.demos, Demos::Listed(_)) { Demos::Balanced } else { current.demos.clone() },
        ..current.clone()
    };
    let taken = |request: &RunRequest| {
        let open = state.runs.iter().filter(|run| state.is_own(run)).filter_map(|run| run.request.as_ref());
        open.chain(&state.run_list.queue).chain([&current]).chain(&state.running.request).any(|other| other == request)
    };
    let next = (0..u64::from(u32::MAX))
        .map(|seed| RunRequest { demo_seed: seed, ..drawn.clone() })
        .find(|request| !taken(request));
    next.map_or_else(Vec::new, |request| enqueue(state, request))
}

/// Starts the next queued run if none is in progress.
pub(super) fn begin_next(state: &mut State) -> Vec<Effect> {
    if state.phase.is_busy() || state.run_list.queue.is_empty() {
        return Vec::new();
    }
    let request = state.run_list.queue.remove(0);
    requests::start_queued(state, request)
}

/// Requests the list of stored runs when the screen opens.
pub(super) fn request_list(state: &mut State) -> Vec<Effect> {
    if state.screen != Screen::Runs {
        state.run_list.is_requested = false;
        return Vec::new();
    }
    state.run_list.at = state.run_list.at.min(rows(state).len().saturating_sub(1));
    if std::mem::replace(&mut state.run_list.is_requested, true) {
        return Vec::new();
    }
    vec![Effect::File(FileRequest::ListRuns)]
}

/// Handles the list of stored runs; on failure, the previous list stays.
pub(super) fn on_stored_runs(state: &mut State, stored: Result<Vec<StoredRun>, String>) {
    match stored {
        Ok(stored) => state.run_list.stored = Some(stored),
        Err(why) => {
            state.run_list.stored.get_or_insert_default();
            state.notify(Severity::Bad, printable(&why).into_owned());
        }
    }
}

/// Marks the list of stored runs as outdated.
pub(super) const fn invalidate(state: &mut State) {
    state.run_list.is_requested = false;
}
