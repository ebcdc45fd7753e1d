//! Actions on the matrix of run agreements.

use crate::app::{
    action::Action,
    effect::Effect,
    state::{
        Screen, Severity, State,
        comparison::{RunMatrix, comparable},
        list::{moved, rows_of},
        metric::Metric,
        open_run::OpenRun,
    },
};

use super::{copying, selection::choose_quantity};

/// Handles the actions of this screen.
pub(super) fn act(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    let count = state.matrix.runs.len();
    let (row, column) = &mut state.matrix.at;
    match action {
        Action::Up | Action::Down => *row = moved(*row, rows_of(action, 0)?, count),
        Action::Left => *column = moved(*column, -1, count),
        Action::Right => *column = moved(*column, 1, count),
        Action::Open => open(state),
        Action::Copy => return Some(copying::copy(state, cells(state))),
        _ => return None,
    }
    Some(Vec::new())
}

/// Selects the cell with this row-major index; returns [`Action::Open`] if it is already selected.
pub fn choose(state: &mut State, cell: usize) -> Option<Action> {
    let count = state.matrix.runs.len();
    let pair = (cell.checked_div(count)?, cell % count);
    if pair == state.matrix.at {
        return Some(Action::Open);
    }
    state.matrix.at = pair;
    None
}

/// Recomputes the matrix if the comparable open runs have changed.
pub(super) fn refresh(state: &mut State) {
    let Some(shown) = state.run().filter(|_| state.screen == Screen::Matrix) else { return };
    let fits = |run: &&OpenRun| run.is_complete() && comparable(run, shown);
    let runs: Vec<&OpenRun> = state.runs.iter().filter(fits).collect();
    if !runs.iter().map(|run| run.id).eq(state.matrix.runs.iter().copied()) {
        let last = runs.len().saturating_sub(1);
        let at = runs.iter().position(|run| run.id == shown.id).unwrap_or(last);
        state.matrix = RunMatrix { at: (0, at), ..RunMatrix::new(&runs) };
    }
}

/// Opens the comparison of the selected pair, or the map of the run on the diagonal against the mean of the others.
fn open(state: &mut State) {
    let (row, column) = state.matrix.at;
    let id = |index: usize| state.matrix.runs.get(index).copied();
    let (Some(a), Some(b)) = (id(row), id(column)) else {
        let seed = state.key_of(Action::NextSeed);
        return state.notify(Severity::Plain, format!("no complete run is open: {seed} runs other demonstrations"));
    };
    if let Some(index) = state.runs.iter().position(|run| run.id == b) {
        state.show(index);
        if a == b {
            state.screen = Screen::Map;
            state.refresh();
            if state.run().is_some_and(|run| Metric::VersusOthers.is_known(run)) {
                choose_quantity(state, Metric::VersusOthers);
            }
        } else {
            state.screen = Screen::Compare;
            state.other = Some(a);
        }
    }
}

/// Returns the row to copy: both runs, Pearson and Spearman correlation, and overlap of the best components.
fn cells(state: &State) -> Option<Vec<String>> {
    let (row, column) = state.matrix.at;
    let pair = state.matrix.agreement.get(row)?.get(column)?;
    let name = |index: usize| {
        let id = state.matrix.runs.get(index)?;
        let run = state.runs.iter().find(|run| run.id == *id)?;
        Some(format!("{} {}", run.task.template, run.demos_name()))
    };
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.4}"));
    let overlap = format!("{:.4}", pair.iou_top5);
    Some(vec![name(row)?, name(column)?, number(pair.pearson), number(pair.spearman), overlap])
}
