//! Two runs side by side.

use crate::app::{
    action::Action,
    effect::Effect,
    state::{
        Screen, Severity, State,
        comparison::comparable,
        list::{moved, rows_beside_map},
    },
};

use super::copying;

/// What an action does where two runs are compared only: lists there are of flipped examples.
pub(super) fn act(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    if action == Action::Copy {
        return Some(copying::copy(state, cells(state)));
    }
    let count = state.comparison.as_ref().map_or(0, |comparison| comparison.flips.len());
    state.flip = moved(state.flip, rows_beside_map(action, state.page)?, count);
    Some(Vec::new())
}

/// Goes to a flipped example.
pub const fn choose(state: &mut State, row: usize) {
    state.flip = row;
}

/// Compares with the run that was shown before; if that cannot be, with another one.
pub(super) fn compare(state: &mut State) {
    state.toggle_screen(Screen::Compare);
    let fits = state.other_run().zip(state.run()).is_some_and(|(a, b)| comparable(a, b));
    if state.screen == Screen::Compare && !fits {
        next_other(state);
    }
}

/// Compares with the next comparable run.
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

/// The component under the cursor in both runs: name, both accuracies, their difference.
fn cells(state: &State) -> Option<Vec<String>> {
    let (a, b, component) = (state.other_run()?, state.run()?, state.selected()?);
    let (a, name) = (a.test.tally.accuracy(component)?, b.name(component).to_string());
    let b = b.test.tally.accuracy(component)?;
    Some(vec![name, format!("{a:.4}"), format!("{b:.4}"), format!("{:+.4}", b - a)])
}
