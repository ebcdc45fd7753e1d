//! What asks for long work, and what stops it.

use crate::app::{
    action::Action,
    cause::{self, Studying},
    state::{Fitting, Phase, State, Tone},
};

use super::Effect;

pub(super) fn fit(state: &mut State) -> Vec<Effect> {
    let Some(sheet) = state.sheet() else {
        state.notify(Tone::Plain, "there is no run to fit yet");
        return Vec::new();
    };
    let (id, table) = (sheet.id, sheet.train.table.clone());
    if table.capacity() == 0 {
        state.notify(Tone::Bad, "this run has no training examples to fit on");
        return Vec::new();
    }
    if table.is_complete() {
        state.fitting = Fitting::Running(id);
        return vec![Effect::Fit { sheet: id, table, method: state.mixer.method }];
    }
    if state.phase.is_busy() {
        state.fitting = Fitting::Waiting(id);
        state.notify(Tone::Plain, "the fit begins as soon as the training examples are there");
    } else {
        let again = state.key_of(Action::Rerun);
        let why = "the run was stopped before its training examples were there";
        state.notify(Tone::Bad, format!("{why}; {again} runs it again"));
    }
    Vec::new()
}

pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    if state.phase.is_busy() {
        state.phase = Phase::Stopped;
        let dropped = std::mem::take(&mut state.shelf.queue).len();
        if dropped > 0 {
            state.notify(Tone::Plain, format!("stopped; {dropped} queued left the queue too"));
        }
        return vec![Effect::CancelRun];
    }
    if state.cause.studying != Studying::Idle {
        return cause::cancel(state);
    }
    state.notify(Tone::Plain, "nothing is being computed");
    Vec::new()
}
