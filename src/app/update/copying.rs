//! What goes to the clipboard: the row under the cursor, with tabs between its columns.

use crate::{
    analysis::Kind,
    app::{
        effect::Effect,
        state::{Severity, State},
    },
};

/// Copies the row of these cells, and says so.
pub(super) fn copy(state: &mut State, cells: Option<Vec<String>>) -> Vec<Effect> {
    let Some(cells) = cells else {
        state.notify(Severity::Plain, "there is nothing to copy here");
        return Vec::new();
    };
    state.notify(Severity::Plain, format!("copied: {}", cells.join("  ")));
    vec![Effect::Copy(cells.join("\t"))]
}

/// Name, accuracy, kind, weight of the component under the cursor.
pub(super) fn component(state: &State) -> Option<Vec<String>> {
    let (run, component) = (state.run()?, state.selected()?);
    let accuracy = run.test.tally.accuracy(component)?;
    let kind = run.kind(component).map_or("", Kind::name);
    let weight = run.mixer.weight(component).to_string();
    Some(vec![run.name(component).to_string(), format!("{accuracy:.4}"), kind.to_owned(), weight])
}
