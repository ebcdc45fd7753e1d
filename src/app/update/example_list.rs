//! Actions on the list of examples, beside the map and on its own screen.

use crate::{
    app::{
        action::Action,
        effect::Effect,
        state::{
            Overlay, Screen, Severity, State,
            list::{rows_beside_map, rows_of},
            selection::chosen_example,
        },
    },
    attribution::Split,
};

use super::copying;

/// Handles the actions of the examples screen.
pub(super) fn act(state: &mut State, action: Action) -> Option<Vec<Effect>> {
    match action {
        Action::Top | Action::Bottom => state.example_list.step(rows_of(action, 0)?),
        Action::PageDown | Action::PageUp => scroll(state, action)?,
        Action::Copy => return Some(copying::copy(state, cells(state))),
        _ => return None,
    }
    Some(Vec::new())
}

/// Handles list actions on any screen.
pub(super) fn change(state: &mut State, action: Action) {
    let list = &mut state.example_list;
    match action {
        Action::Filter => list.filter = list.filter.next(),
        Action::FilterLabel => filter_label(state),
        Action::Search => state.overlay = Some(Overlay::Search),
        Action::FullPrompt => list.prompt = if list.prompt.is_some() { None } else { Some(0) },
        _ => list.step(rows_beside_map(action, state.page).unwrap_or(0)),
    }
    let is_shown = matches!(state.screen, Screen::Map | Screen::Examples);
    if matches!(action, Action::Filter | Action::FilterLabel) && !is_shown {
        explain_filter(state);
    }
}

/// Says which examples are listed, on a screen without the list.
fn explain_filter(state: &mut State) {
    let examples = state.key_of(Action::Examples);
    let label = state.example_list.label.zip(state.run()).map(|(label, run)| format!(" of gold {}", run.label(label)));
    let (which, label) = (state.example_list.filter.title(), label.unwrap_or_default());
    state.notify(Severity::Plain, format!("examples listed: {which}{label}; {examples} shows them"));
}

/// Selects a row.
pub fn choose(state: &mut State, row: usize) {
    state.example_list.go(row);
}

/// Filters by the next gold label; after the last one, shows all examples.
fn filter_label(state: &mut State) {
    let Some(labels) = state.run().map(|run| run.shape.labels) else { return };
    state.example_list.label =
        Some(state.example_list.label.map_or(0, |label| label + 1)).filter(|&label| label < labels);
}

/// Scrolls the prompt of the opened example; `None` if it is not shown.
fn scroll(state: &mut State, action: Action) -> Option<()> {
    let (below, page) = (state.example_list.prompt?, state.page);
    let next = if action == Action::PageUp { below + page } else { below.saturating_sub(page) };
    state.example_list.prompt = Some(next);
    Some(())
}

/// Returns the row to copy: id, gold label, predicted label and text.
fn cells(state: &State) -> Option<Vec<String>> {
    let (run, example) = (state.run()?, chosen_example(state)?);
    let item = &run.test.items[example];
    let predicted = run.label(*run.predictions(Split::Test).get(example)?);
    Some(vec![item.id.clone(), run.label(item.gold), predicted, item.text.clone()])
}
