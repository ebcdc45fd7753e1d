//! All comparable runs at hand against each other.

use crate::app::{
    action::Action,
    state::{
        Screen, Severity, State,
        comparison::{RunMatrix, comparable},
        open_run::OpenRun,
    },
};

/// Compares anew if other runs are at hand than before.
pub(super) fn settle(state: &mut State) {
    let Some(shown) = state.run().filter(|_| state.screen == Screen::Matrix) else { return };
    let alike = |run: &&OpenRun| run.is_complete() && comparable(run, shown);
    let runs: Vec<&OpenRun> = state.runs.iter().filter(alike).collect();
    if !runs.iter().map(|run| run.id).eq(state.matrix.runs.iter().copied()) {
        let last = runs.len().saturating_sub(1);
        let at = runs.iter().position(|run| run.id == shown.id).unwrap_or(last);
        state.matrix = RunMatrix { at: (0, at), ..RunMatrix::of(&runs) };
    }
}

/// Moves the cursor.
pub(super) fn walk(state: &mut State, action: Action) {
    let last = state.matrix.runs.len().saturating_sub(1);
    let (row, column) = &mut state.matrix.at;
    match action {
        Action::Up => *row = row.saturating_sub(1),
        Action::Down => *row = (*row + 1).min(last),
        Action::Left => *column = column.saturating_sub(1),
        _ => *column = (*column + 1).min(last),
    }
}

/// Opens the pair under the cursor side by side, or the run on the diagonal.
pub(super) fn open(state: &mut State) {
    let (row, column) = state.matrix.at;
    let id = |index: usize| state.matrix.runs.get(index).copied();
    let (Some(a), Some(b)) = (id(row), id(column)) else { return };
    if let Some(index) = state.runs.iter().position(|run| run.id == b) {
        state.show(index);
        state.screen = if a == b { Screen::Map } else { Screen::Compare };
        if a != b {
            state.other = Some(a);
        }
    }
}

/// Compares with the run that was shown before; if that cannot be, with another one.
pub(super) fn compare(state: &mut State) {
    state.turn_to(Screen::Compare);
    let fits = state.other_run().zip(state.run()).is_some_and(|(a, b)| comparable(a, b));
    if state.screen == Screen::Compare && !fits {
        next_other(state);
    }
}

pub(super) fn next_other(state: &mut State) {
    let Some(shown) = state.run() else { return };
    let after = state.runs.iter().position(|run| Some(run.id) == state.other).map_or(0, |at| at + 1);
    let count = state.runs.len();
    let mut around = (0..count).map(|step| &state.runs[(after + step) % count]);
    let next = around.find(|run| run.id != shown.id && run.is_complete() && comparable(run, shown));
    if let Some(id) = next.map(|run| run.id) {
        state.other = Some(id);
        return;
    }
    let seed = state.key_of(Action::NextSeed);
    state.notify(Severity::Plain, format!("no other run of this task is at hand: {seed} draws other demonstrations"));
}
