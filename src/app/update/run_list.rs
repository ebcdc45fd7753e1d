//! All runs there are: under way, queued, at hand, and stored.

use crate::{
    app::{
        action::Action,
        effect::Effect,
        state::{
            Screen, State, Tone,
            comparison::comparable,
            open_run::demos_name,
            run_list::Row,
            selection::{request_of, rows},
        },
    },
    jobs::{Errand, Kept, StoredRun},
    runner::{Demos, RunRequest},
};

use super::requests;

/// What an action does to the row under the cursor.
pub(super) fn act(state: &mut State, action: Action) -> Vec<Effect> {
    let rows = rows(state);
    let last = rows.len().saturating_sub(1);
    let at = state.shelf.at.min(last);
    let doomed = state.shelf.doomed.take();
    match action {
        Action::Up => state.shelf.at = at.saturating_sub(1),
        Action::Down => state.shelf.at = (at + 1).min(last),
        Action::Top => state.shelf.at = 0,
        Action::Bottom => state.shelf.at = last,
        Action::PageDown => state.shelf.at = (at + state.page).min(last),
        Action::PageUp => state.shelf.at = at.saturating_sub(state.page),
        _ => {
            let Some(row) = rows.get(at).cloned() else { return Vec::new() };
            return match action {
                Action::Open => open(state, &row),
                Action::Delete => delete(state, &row, doomed.as_ref()),
                Action::Rerun => again(state, &row),
                _ => hold_against(state, &row),
            };
        }
    }
    Vec::new()
}

fn open(state: &mut State, row: &Row) -> Vec<Effect> {
    match row {
        Row::UnderWay => state.screen = Screen::Map,
        Row::Queued(_) => state.notify(Tone::Plain, "it has not begun yet"),
        Row::AtHand(id) => {
            if let Some(index) = state.sheets.iter().position(|sheet| sheet.id == *id) {
                state.show(index);
                state.screen = Screen::Map;
            }
        }
        Row::Stored(index) => match state.shelf.stored.as_ref().and_then(|stored| stored.get(*index)) {
            Some(StoredRun { key, kept: Kept::Run(_), .. }) => {
                return vec![Effect::Errand(Errand::OpenRun(key.clone()))];
            }
            Some(StoredRun { kept: Kept::Interrupted { .. }, .. }) => {
                state.notify(Tone::Plain, "it was interrupted: asked for again, it goes on where it stopped");
            }
            _ => state.notify(Tone::Bad, "it is damaged and can only be deleted"),
        },
    }
    Vec::new()
}

/// Takes a run out of the queue or out of the hand; one of the store is deleted when it is asked for twice.
fn delete(state: &mut State, row: &Row, doomed: Option<&String>) -> Vec<Effect> {
    match row {
        Row::UnderWay => return requests::cancel(state),
        Row::Queued(index) => drop(state.shelf.queue.remove(*index)),
        Row::AtHand(id) => {
            let shown = state.sheet().map(|sheet| sheet.id);
            state.sheets.retain(|sheet| sheet.id != *id);
            let index = state.sheets.iter().position(|sheet| Some(sheet.id) == shown);
            state.current = index.unwrap_or(state.sheets.len().saturating_sub(1));
        }
        Row::Stored(index) => {
            let Some(run) = state.shelf.stored.as_ref().and_then(|stored| stored.get(*index)) else {
                return Vec::new();
            };
            let key = run.key.clone();
            if doomed == Some(&key) {
                return vec![Effect::Errand(Errand::DeleteRun(key))];
            }
            state.shelf.doomed = Some(key);
            let delete = state.key_of(Action::Delete);
            state.notify(Tone::Bad, format!("{delete} again deletes this run from the disk"));
        }
    }
    Vec::new()
}

/// Asks for the run of a row: at once, or after those that are under way.
fn again(state: &mut State, row: &Row) -> Vec<Effect> {
    let Some(request) = request_of(state, row).filter(|_| state.wanted.is_some()) else {
        state.notify(Tone::Plain, "it cannot be run again here: what made it, or the model, is not at hand");
        return Vec::new();
    };
    if let Row::Queued(index) = row {
        state.shelf.queue.remove(*index);
    }
    enqueue(state, request)
}

/// The row under the cursor as it is copied: task, template, demonstrations, model, accuracy.
pub(super) fn cells(state: &State) -> Option<Vec<String>> {
    let row = rows(state).get(state.shelf.at)?.clone();
    if let Row::AtHand(id) = row {
        let sheet = state.sheets.iter().find(|sheet| sheet.id == id)?;
        let accuracy = format!("{:.4}", sheet.test.tally.full_accuracy()?);
        let (task, model) = (&sheet.task, sheet.model.id.clone());
        return Some(vec![task.name.clone(), task.template.clone(), sheet.demos_name(), model, accuracy]);
    }
    if let Row::Stored(index) = row {
        let Kept::Run(meta) = &state.shelf.stored.as_ref()?.get(index)?.kept else { return None };
        let demos = meta.request.as_ref().map_or(&Demos::Balanced, |request| &request.demos);
        let demos = demos_name(demos, meta.prompt.demo_seed);
        let (task, accuracy) = (&meta.task, format!("{:.4}", meta.accuracy.full));
        return Some(vec![task.name.clone(), task.template.clone(), demos, meta.model.id.clone(), accuracy]);
    }
    None
}

fn hold_against(state: &mut State, row: &Row) -> Vec<Effect> {
    let Row::AtHand(id) = row else {
        state.notify(Tone::Plain, "open it first; then it can be compared");
        return Vec::new();
    };
    let other = state.sheets.iter().find(|sheet| sheet.id == *id);
    match other.zip(state.sheet()) {
        Some((other, shown)) if other.id == shown.id => {
            state.notify(Tone::Plain, "this run is the one that is shown: choose another to compare it with");
        }
        Some((other, shown)) if !comparable(other, shown) => {
            state.notify(Tone::Plain, "these two are of different models or tasks");
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
    let waiting = state.shelf.queue.len() + 1;
    state.shelf.queue.push(request);
    state.notify(Tone::Plain, format!("queued: {waiting} after the run that is under way"));
    Vec::new()
}

/// Queues the next demonstration set that is neither at hand nor asked for.
pub(super) fn queue_next(state: &mut State) -> Vec<Effect> {
    let Some(wanted) = state.wanted.clone() else {
        state.notify(Tone::Plain, "no model is at hand to run");
        return Vec::new();
    };
    let drawn = RunRequest {
        demos: if matches!(wanted.demos, Demos::Listed(_)) { Demos::Balanced } else { wanted.demos.clone() },
        ..wanted.clone()
    };
    let taken = |request: &RunRequest| {
        let at_hand = state.sheets.iter().filter_map(|sheet| sheet.request.as_ref());
        at_hand.chain(&state.shelf.queue).chain([&wanted]).any(|other| other == request)
    };
    let next = (0..u64::from(u32::MAX))
        .map(|seed| RunRequest { demo_seed: seed, ..drawn.clone() })
        .find(|request| !taken(request));
    next.map_or_else(Vec::new, |request| enqueue(state, request))
}

/// Begins the next run of the queue when nothing is under way any more.
pub(super) fn begin_next(state: &mut State) -> Vec<Effect> {
    if state.phase.is_busy() || state.shelf.queue.is_empty() {
        return Vec::new();
    }
    let request = state.shelf.queue.remove(0);
    requests::start(state, request)
}

/// Has the store listed when the runs are looked at.
pub(super) fn settle(state: &mut State) -> Vec<Effect> {
    if state.screen != Screen::Runs {
        state.shelf.asked = false;
        return Vec::new();
    }
    state.shelf.at = state.shelf.at.min(rows(state).len().saturating_sub(1));
    if std::mem::replace(&mut state.shelf.asked, true) {
        return Vec::new();
    }
    vec![Effect::Errand(Errand::ListRuns)]
}

/// Has the store listed again after it changed.
pub(super) const fn look_again(state: &mut State) {
    state.shelf.asked = false;
}
