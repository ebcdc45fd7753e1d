//! All comparable open runs against each other.

use crate::app::{
    action::Action,
    effect::Effect,
    state::{
        Screen, State,
        comparison::{RunMatrix, comparable},
        list::{moved, rows_of},
        open_run::OpenRun,
    },
};

use super::copying;

/// What an action does on the screen of the matrix only.
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

/// Goes to the cell of this number, counted along the rows; the action that follows if the cursor is there already.
pub fn choose(state: &mut State, cell: usize) -> Option<Action> {
    let count = state.matrix.runs.len();
    let pair = (cell.checked_div(count)?, cell % count);
    if pair == state.matrix.at {
        return Some(Action::Open);
    }
    state.matrix.at = pair;
    None
}

/// Compares again if other runs are open than before.
pub(super) fn settle(state: &mut State) {
    let Some(shown) = state.run().filter(|_| state.screen == Screen::Matrix) else { return };
    let alike = |run: &&OpenRun| run.is_complete() && comparable(run, shown);
    let runs: Vec<&OpenRun> = state.runs.iter().filter(alike).collect();
    if !runs.iter().map(|run| run.id).eq(state.matrix.runs.iter().copied()) {
        let last = runs.len().saturating_sub(1);
        let at = runs.iter().position(|run| run.id == shown.id).unwrap_or(last);
        state.matrix = RunMatrix { at: (0, at), ..RunMatrix::new(&runs) };
    }
}

/// Opens the pair under the cursor side by side, or the run on the diagonal.
fn open(state: &mut State) {
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

/// The pair under the cursor: both runs, Pearson, Spearman, overlap of the best.
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
