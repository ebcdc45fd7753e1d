//! Which two runs are held against each other.

use crate::app::{
    action::Action,
    pairing::comparable,
    state::{Screen, State, Tone},
};

use super::turn_to;

/// Compares with the run that was shown before; if that cannot be, with another one.
pub(super) fn compare(state: &mut State) {
    turn_to(state, Screen::Compare);
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
