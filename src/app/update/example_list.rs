//! The list of examples, beside the map and on a screen of its own.

use crate::{
    app::{
        action::Action,
        effect::Effect,
        state::{
            Overlay, State,
            list::{rows_beside_map, rows_of},
            selection::chosen_example,
        },
    },
    attribution::Split,
};

use super::copying;

/// What an action does on the screen of examples only.
pub(super) fn act(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    match action {
        Action::Top | Action::Bottom => state.example_list.step(rows_of(action, 0)?),
        Action::PageDown | Action::PageUp => scroll(state, action)?,
        Action::Copy => return Some(copying::copy(state, cells(state))),
        _ => return None,
    }
    Some(Vec::new())
}

/// What an action does to the list on any screen.
pub(super) fn change(state: &mut State, action: Action) {
    let list = &mut state.example_list;
    match action {
        Action::Filter => list.filter = list.filter.next(),
        Action::FilterLabel => filter_label(state),
        Action::Search => state.overlay = Some(Overlay::Search),
        Action::FullPrompt => list.prompt = if list.prompt.is_some() { None } else { Some(0) },
        _ => list.step(rows_beside_map(action, state.page).unwrap_or(0)),
    }
}

/// Goes to a row.
pub fn choose(state: &mut State, row: usize) {
    state.example_list.go(row);
}

/// Shows only the examples of the next gold label, after the last one all again.
fn filter_label(state: &mut State) {
    let Some(labels) = state.run().map(|run| run.shape.labels) else { return };
    state.example_list.label =
        Some(state.example_list.label.map_or(0, |label| label + 1)).filter(|&label| label < labels);
}

/// Scrolls the prompt of the example that is opened; `None` if its prompt is not shown.
fn scroll(state: &mut State, action: Action) -> Option<()> {
    let (below, page) = (state.example_list.prompt?, state.page);
    let next = if action == Action::PageUp { below + page } else { below.saturating_sub(page) };
    state.example_list.prompt = Some(next);
    Some(())
}

/// Id, gold label, predicted label, text.
fn cells(state: &State) -> Option<Vec<String>> {
    let (run, example) = (state.run()?, chosen_example(state)?);
    let item = &run.test.items[example];
    let said = run.label(*run.predictions(Split::Test).get(example)?);
    Some(vec![item.id.clone(), run.label(item.gold), said, item.text.clone()])
}
