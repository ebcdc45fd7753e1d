//! What moves the faders of the mix.

use crate::app::{
    action::Action,
    mixer,
    state::{State, Tone},
};

pub(super) fn toggle_mix(state: &mut State) {
    let (fit, mute) = (state.key_of(Action::Fit), state.key_of(Action::Mute));
    let Some(sheet) = state.sheet_mut() else { return };
    if sheet.desk.is_model() {
        sheet.desk.on = false;
        state.notify(Tone::Plain, format!("there is no mix yet: {fit} fits one, {mute} mutes a component"));
    } else {
        sheet.desk.on = !sheet.desk.on;
    }
}

/// Moves the faders that are marked, or the one under the cursor.
pub(super) fn turn(state: &mut State, action: Action) {
    let strips = state.targets();
    let Some(sheet) = state.sheet_mut().filter(|_| !strips.is_empty()) else { return };
    match action {
        Action::Mute => sheet.desk.mute(&strips),
        Action::Solo => sheet.desk.solo(&strips),
        Action::GainUp => sheet.desk.move_by(&strips, 1.0),
        Action::GainDown => sheet.desk.move_by(&strips, -1.0),
        Action::FlipSign => sheet.desk.invert(&strips),
        _ => sheet.desk.reset(&strips),
    }
    sheet.desk.on &= !sheet.desk.is_model();
    sheet.follow();
}

pub(super) fn history(state: &mut State, action: Action) {
    let Some(sheet) = state.sheet_mut() else { return };
    let done = match action {
        Action::Undo => sheet.desk.undo(),
        Action::Redo => sheet.desk.redo(),
        _ => {
            sheet.desk.reset_all();
            true
        }
    };
    sheet.desk.on &= !sheet.desk.is_model();
    sheet.follow();
    if !done {
        let what = if action == Action::Undo { "take back" } else { "make again" };
        state.notify(Tone::Plain, format!("there is nothing to {what}"));
    }
}

/// Chooses the next method of fitting.
pub(super) fn next_method(state: &mut State) {
    state.mixer.method = mixer::next_method(state.mixer.method);
    let (method, fit) = (state.mixer.method, state.key_of(Action::Fit));
    state.notify(Tone::Plain, format!("{fit} now fits by {method}: {}", method.about()));
}
