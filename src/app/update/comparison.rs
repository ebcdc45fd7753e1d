//! Actions on the comparison of two runs.

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

/// Handles the actions of this screen, where lists contain flipped examples.
pub(super) fn act(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    if action == Action::Copy {
        return Some(copying::copy(state, cells(state)));
    }
    let count = state.comparison.as_ref().map_or(0, |comparison| comparison.flips.len());
    state.flip = moved(state.flip, rows_beside_map(action, state.page)?, count);
    Some(Vec::new())
}

/// Selects a flipped example.
pub const fn choose(state: &mut State, row: usize) {
    state.flip = row;
}

/// Toggles the comparison with the previous run, or with another one if that is not comparable.
pub(super) fn compare(state: &mut State) {
    state.toggle_screen(Screen::Compare);
    let is_comparable = state.other_run().zip(state.run()).is_some_and(|(a, b)| comparable(a, b));
    if state.screen == Screen::Compare && !is_comparable {
        next_other(state);
    }
}

/// Compares with the next comparable open run.
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
    state.notify(Severity::Plain, format!("no other comparable run is open: {seed} runs other demonstrations"));
}

/// Returns the row to copy: the selected component, its accuracy in both runs, and their difference.
fn cells(state: &State) -> Option<Vec<String>> {
    let (a, b, component) = (state.other_run()?, state.run()?, state.selected()?);
    let (a, name) = (a.test.tally.accuracy(component)?, b.name(component).to_string());
    let b = b.test.tally.accuracy(component)?;
    Some(vec![name, format!("{a:.4}"), format!("{b:.4}"), format!("{:+.4}", b - a)])
}
