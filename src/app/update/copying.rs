//! Copying the selected row to the clipboard, with tabs between columns.

use crate::{
    analysis::Kind,
    app::{
        effect::Effect,
        state::{Severity, State},
    },
};

/// Copies a row of cells and shows a notice.
pub(super) fn copy(state: &mut State, cells: Option<Vec<String>>) -> Vec<Effect> {
    let Some(cells) = cells else {
        state.notify(Severity::Plain, "nothing to copy here");
        return Vec::new();
    };
    state.notify(Severity::Plain, format!("copied: {}", cells.join("  ")));
    vec![Effect::Copy(cells.join("\t"))]
}

/// Returns name, accuracy, kind and weight of the selected component.
pub(super) fn component(state: &State) -> Option<Vec<String>> {
    let (run, component) = (state.run()?, state.selected()?);
    let accuracy = run.test.tally.accuracy(component)?;
    let kind = run.kind(component).map_or("", Kind::name);
    let weight = run.mixer.weight(component).to_string();
    Some(vec![run.name(component).to_string(), format!("{accuracy:.4}"), kind.to_owned(), weight])
}
