//! All comparable runs at hand against each other.

use crate::app::{
    action::Action,
    state::{
        Screen, State, Tone,
        comparison::{Matrix, comparable},
        open_run::Sheet,
    },
};

/// Compares anew if other runs are at hand than before.
pub(super) fn settle(state: &mut State) {
    let Some(shown) = state.sheet().filter(|_| state.screen == Screen::Matrix) else { return };
    let alike = |sheet: &&Sheet| sheet.is_complete() && comparable(sheet, shown);
    let sheets: Vec<&Sheet> = state.sheets.iter().filter(alike).collect();
    if !sheets.iter().map(|sheet| sheet.id).eq(state.matrix.sheets.iter().copied()) {
        let last = sheets.len().saturating_sub(1);
        let at = sheets.iter().position(|sheet| sheet.id == shown.id).unwrap_or(last);
        state.matrix = Matrix { at: (0, at), ..Matrix::of(&sheets) };
    }
}

/// Moves the cursor.
pub(super) fn walk(state: &mut State, action: Action) {
    let last = state.matrix.sheets.len().saturating_sub(1);
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
    let id = |index: usize| state.matrix.sheets.get(index).copied();
    let (Some(a), Some(b)) = (id(row), id(column)) else { return };
    if let Some(index) = state.sheets.iter().position(|sheet| sheet.id == b) {
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
    let fits = state.other_sheet().zip(state.sheet()).is_some_and(|(a, b)| comparable(a, b));
    if state.screen == Screen::Compare && !fits {
        next_other(state);
    }
}

pub(super) fn next_other(state: &mut State) {
    let Some(shown) = state.sheet() else { return };
    let after = state.sheets.iter().position(|sheet| Some(sheet.id) == state.other).map_or(0, |at| at + 1);
    let count = state.sheets.len();
    let mut around = (0..count).map(|step| &state.sheets[(after + step) % count]);
    let next = around.find(|sheet| sheet.id != shown.id && sheet.is_complete() && comparable(sheet, shown));
    if let Some(id) = next.map(|sheet| sheet.id) {
        state.other = Some(id);
        return;
    }
    let seed = state.key_of(Action::NextSeed);
    state.notify(Tone::Plain, format!("no other run of this task is at hand: {seed} draws other demonstrations"));
}
