//! All comparable runs at hand against each other.

use crate::analysis::compare::{Agreement, agreement};

use super::{
    action::Action,
    pairing::comparable,
    sheet::Sheet,
    state::{Screen, State},
    update::{self, Effect},
};

/// Agreement of every run with every other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// The runs, by sheet id.
    pub sheets: Vec<u64>,
    /// Agreement of component accuracies, `[R, R]`, symmetric.
    pub agreement: Vec<Vec<Agreement>>,
    /// Row and column of the cursor.
    pub at: (usize, usize),
}

impl Matrix {
    fn of(sheets: &[&Sheet]) -> Self {
        let accuracies = |sheet: &&Sheet| -> Vec<f64> {
            (0..sheet.shape.components()).map(|c| sheet.test.tally.accuracy(c).unwrap_or(0.0)).collect()
        };
        let all: Vec<Vec<f64>> = sheets.iter().map(accuracies).collect();
        let mut table = vec![vec![Agreement::default(); all.len()]; all.len()];
        for row in 0..all.len() {
            for column in row..all.len() {
                let pair = agreement(&all[row], &all[column], sheets[row].shape);
                (table[row][column], table[column][row]) = (pair, pair);
            }
        }
        Self { sheets: sheets.iter().map(|sheet| sheet.id).collect(), agreement: table, at: (0, 0) }
    }
}

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

/// Goes to the row and column `pair`, or opens it where the cursor is there already.
pub fn go(state: &mut State, pair: (usize, usize)) -> Vec<Effect> {
    let count = state.matrix.sheets.len();
    if pair == state.matrix.at {
        open(state);
    } else if pair.0 < count && pair.1 < count {
        state.matrix.at = pair;
    }
    state.refresh();
    update::settle(state)
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
