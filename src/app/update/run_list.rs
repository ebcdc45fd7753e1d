//! All runs there are: under way, queued, at hand, and stored.

use crate::{
    app::{
        action::Action,
        effect::Effect,
        state::{
            Screen, Severity, State,
            comparison::comparable,
            list::{moved, rows_of},
            open_run::demos_name,
            run_list::RunRow,
            selection::{request_of, rows},
        },
    },
    jobs::{FileRequest, StoredContent, StoredRun},
    runner::{Demos, RunRequest},
    text::printable,
};

use super::{copying, requests};

/// What an action does in the list of runs only: to the cursor, or to the row under it.
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
    let Some(row) = rows.get(at).filter(|_| movement.is_none()) else { return Some(Vec::new()) };
    Some(match action {
        Action::Open => open(state, row),
        Action::Delete => delete(state, row, pending_delete.as_ref()),
        Action::Rerun => again(state, row),
        _ => compare_with(state, row),
    })
}

/// Goes to a row.
pub const fn choose(state: &mut State, row: usize) {
    state.run_list.at = row;
}

/// Says where an action on a run of the list can be done.
pub(super) fn refer(state: &mut State) {
    let runs = state.key_of(Action::Runs);
    state.notify(Severity::Plain, format!("{runs} opens the list of runs, where that can be done"));
}

fn open(state: &mut State, row: &RunRow) -> Vec<Effect> {
    match row {
        RunRow::UnderWay => state.screen = Screen::Map,
        RunRow::Queued(_) => state.notify(Severity::Plain, "it has not begun yet"),
        RunRow::Open(id) => {
            if let Some(index) = state.runs.iter().position(|run| run.id == *id) {
                state.show(index);
                state.screen = Screen::Map;
            }
        }
        RunRow::Stored(index) => match state.run_list.stored.as_ref().and_then(|stored| stored.get(*index)) {
            Some(StoredRun { key, kept: StoredContent::Run(_), .. }) => {
                return vec![Effect::File(FileRequest::OpenRun(key.clone()))];
            }
            Some(StoredRun { kept: StoredContent::Interrupted { .. }, .. }) => {
                state.notify(Severity::Plain, "it was interrupted: asked for again, it goes on where it stopped");
            }
            _ => state.notify(Severity::Bad, "it is damaged and can only be deleted"),
        },
    }
    Vec::new()
}

/// Takes a run out of the queue or out of the hand; one of the store is deleted when it is asked for twice.
fn delete(state: &mut State, row: &RunRow, pending_delete: Option<&String>) -> Vec<Effect> {
    match row {
        RunRow::UnderWay => return requests::cancel(state),
        RunRow::Queued(index) => drop(state.run_list.queue.remove(*index)),
        RunRow::Open(id) => {
            let shown = state.run().map(|run| run.id);
            state.runs.retain(|run| run.id != *id);
            let index = state.runs.iter().position(|run| Some(run.id) == shown);
            state.current = index.unwrap_or(state.runs.len().saturating_sub(1));
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
            state.notify(Severity::Bad, format!("{delete} again deletes this run from the disk"));
        }
    }
    Vec::new()
}

/// Asks for the run of a row: at once, or after those that are under way.
fn again(state: &mut State, row: &RunRow) -> Vec<Effect> {
    let Some(request) = request_of(state, row).filter(|_| state.requested.is_some()) else {
        state.notify(Severity::Plain, "it cannot be run again here: what made it, or the model, is not at hand");
        return Vec::new();
    };
    if let RunRow::Queued(index) = row {
        state.run_list.queue.remove(*index);
    }
    enqueue(state, request)
}

/// The row under the cursor as it is copied: task, template, demonstrations, model, accuracy.
fn cells(state: &State) -> Option<Vec<String>> {
    let row = rows(state).get(state.run_list.at)?.clone();
    if let RunRow::Open(id) = row {
        let run = state.runs.iter().find(|run| run.id == id)?;
        let accuracy = format!("{:.4}", run.test.tally.full_accuracy()?);
        let (task, model) = (&run.task, run.model.id.clone());
        return Some(vec![task.name.clone(), task.template.clone(), run.demos_name(), model, accuracy]);
    }
    if let RunRow::Stored(index) = row {
        let StoredContent::Run(meta) = &state.run_list.stored.as_ref()?.get(index)?.kept else { return None };
        let demos = meta.request.as_ref().map_or(&Demos::Balanced, |request| &request.demos);
        let demos = demos_name(demos, meta.prompt.demo_seed);
        let (task, accuracy) = (&meta.task, format!("{:.4}", meta.accuracy.full));
        return Some(vec![task.name.clone(), task.template.clone(), demos, meta.model.id.clone(), accuracy]);
    }
    None
}

fn compare_with(state: &mut State, row: &RunRow) -> Vec<Effect> {
    let RunRow::Open(id) = row else {
        state.notify(Severity::Plain, "open it first; then it can be compared");
        return Vec::new();
    };
    let other = state.runs.iter().find(|run| run.id == *id);
    match other.zip(state.run()) {
        Some((other, shown)) if other.id == shown.id => {
            state.notify(Severity::Plain, "this run is the one that is shown: choose another to compare it with");
        }
        Some((other, shown)) if !comparable(other, shown) => {
            state.notify(Severity::Plain, "these two are of different models or tasks");
        }
        Some(_) => {
            state.other = Some(*id);
            state.screen = Screen::Compare;
        }
        None => {}
    }
    Vec::new()
}

/// Runs `request` now if nothing is under way, after the others if something is.
fn enqueue(state: &mut State, request: RunRequest) -> Vec<Effect> {
    if !state.phase.is_busy() {
        return requests::start(state, request);
    }
    let waiting = state.run_list.queue.len() + 1;
    state.run_list.queue.push(request);
    state.notify(Severity::Plain, format!("queued: {waiting} after the run that is under way"));
    Vec::new()
}

/// Queues the next demonstration set that is neither at hand nor asked for.
pub(super) fn queue_next(state: &mut State) -> Vec<Effect> {
    let Some(wanted) = state.requested.clone() else {
        state.notify(Severity::Plain, "no model is at hand to run");
        return Vec::new();
    };
    let drawn = RunRequest {
        demos: if matches!(wanted.demos, Demos::Listed(_)) { Demos::Balanced } else { wanted.demos.clone() },
        ..wanted.clone()
    };
    let taken = |request: &RunRequest| {
        let open = state.runs.iter().filter_map(|run| run.request.as_ref());
        open.chain(&state.run_list.queue).chain([&wanted]).any(|other| other == request)
    };
    let next = (0..u64::from(u32::MAX))
        .map(|seed| RunRequest { demo_seed: seed, ..drawn.clone() })
        .find(|request| !taken(request));
    next.map_or_else(Vec::new, |request| enqueue(state, request))
}

/// Begins the next run of the queue when nothing is under way any more.
pub(super) fn begin_next(state: &mut State) -> Vec<Effect> {
    if state.phase.is_busy() || state.run_list.queue.is_empty() {
        return Vec::new();
    }
    let request = state.run_list.queue.remove(0);
    requests::start(state, request)
}

/// Has the store listed when the runs are looked at.
pub(super) fn settle(state: &mut State) -> Vec<Effect> {
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

/// Takes in what the store has; if it cannot be listed, the list before stays.
pub(super) fn on_stored_runs(state: &mut State, stored: Result<Vec<StoredRun>, String>) {
    match stored {
        Ok(stored) => state.run_list.stored = Some(stored),
        Err(why) => {
            state.run_list.stored.get_or_insert_default();
            state.notify(Severity::Bad, printable(&why).into_owned());
        }
    }
}

/// Has the store listed again after it changed.
pub(super) const fn invalidate(state: &mut State) {
    state.run_list.is_requested = false;
}
