//! What goes to the clipboard.

use crate::{
    analysis::Kind,
    app::state::{Screen, State, Tone},
    attribution::Split,
};

use super::Effect;

/// The row of what is selected, with tabs between its columns.
pub(super) fn copy(state: &mut State) -> Vec<Effect> {
    let row = if state.screen == Screen::Examples { example_row(state) } else { component_row(state) };
    let Some(row) = row else { return Vec::new() };
    state.notify(Tone::Plain, format!("copied: {}", row.replace('\t', "  ")));
    vec![Effect::Copy(row)]
}

fn component_row(state: &State) -> Option<String> {
    let (sheet, component) = (state.sheet()?, state.selected()?);
    let accuracy = sheet.test.tally.accuracy(component)?;
    let kind = sheet.kind(component).map_or("", Kind::name);
    Some(format!("{}\t{accuracy:.4}\t{kind}\t{}", sheet.name(component), sheet.desk.weight(component)))
}

fn example_row(state: &State) -> Option<String> {
    let (sheet, example) = (state.sheet()?, *state.listing.rows.get(state.listing.at)?);
    let item = &sheet.test.items[example];
    let said = sheet.label(*sheet.predicted(Split::Test).get(example)?);
    Some(format!("{}\t{}\t{said}\t{}", item.id, sheet.label(item.gold), item.text))
}
