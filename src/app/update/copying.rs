//! What goes to the clipboard: the row under the cursor, with tabs between its columns.

use crate::{
    analysis::Kind,
    app::{
        effect::Effect,
        state::{Screen, State, Tone, demo_editor::summary},
    },
    attribution::Split,
};

use super::run_list;

/// The row of what is selected on this screen.
pub(super) fn copy(state: &mut State) -> Vec<Effect> {
    let cells = match state.screen {
        Screen::Examples => example(state),
        Screen::Prompt => prompt(state),
        Screen::Compare => compared(state),
        Screen::Matrix => pair(state),
        Screen::Runs => run_list::cells(state),
        Screen::Mix if state.mixer.on_rest => rest(state),
        Screen::Map | Screen::Mix | Screen::Cause => component(state),
    };
    let Some(cells) = cells else {
        state.notify(Tone::Plain, "there is nothing to copy here");
        return Vec::new();
    };
    state.notify(Tone::Plain, format!("copied: {}", cells.join("  ")));
    vec![Effect::Copy(cells.join("\t"))]
}

/// Name, accuracy, kind, weight.
fn component(state: &State) -> Option<Vec<String>> {
    let (sheet, component) = (state.sheet()?, state.selected()?);
    let accuracy = sheet.test.tally.accuracy(component)?;
    let kind = sheet.kind(component).map_or("", Kind::name);
    let weight = sheet.desk.weight(component).to_string();
    Some(vec![sheet.name(component).to_string(), format!("{accuracy:.4}"), kind.to_owned(), weight])
}

fn rest(state: &State) -> Option<Vec<String>> {
    Some(vec!["rest".to_owned(), state.sheet()?.desk.rest().to_string()])
}

/// Id, gold, what is heard, text.
fn example(state: &State) -> Option<Vec<String>> {
    let (sheet, example) = (state.sheet()?, *state.listing.rows.get(state.listing.at)?);
    let item = &sheet.test.items[example];
    let said = sheet.label(*sheet.predicted(Split::Test).get(example)?);
    Some(vec![item.id.clone(), sheet.label(item.gold), said, item.text.clone()])
}

/// The text of one's own if there is one, else label and text of the demonstration under the cursor.
fn prompt(state: &State) -> Option<Vec<String>> {
    let editor = state.editor.as_ref()?;
    if !editor.own.is_empty() {
        return Some(vec![editor.own.clone()]);
    }
    let demo = editor.demos.get(editor.at)?;
    Some(vec![demo.label.clone().unwrap_or_default(), summary(demo)])
}

/// The component under the cursor in both runs: name, both accuracies, their difference.
fn compared(state: &State) -> Option<Vec<String>> {
    let (a, b, component) = (state.other_sheet()?, state.sheet()?, state.selected()?);
    let (a, name) = (a.test.tally.accuracy(component)?, b.name(component).to_string());
    let b = b.test.tally.accuracy(component)?;
    Some(vec![name, format!("{a:.4}"), format!("{b:.4}"), format!("{:+.4}", b - a)])
}

/// The pair under the cursor: both runs, Pearson, Spearman, overlap of the best.
fn pair(state: &State) -> Option<Vec<String>> {
    let (row, column) = state.matrix.at;
    let pair = state.matrix.agreement.get(row)?.get(column)?;
    let name = |index: usize| {
        let id = state.matrix.sheets.get(index)?;
        let sheet = state.sheets.iter().find(|sheet| sheet.id == *id)?;
        Some(format!("{} {}", sheet.task.template, sheet.demos_name()))
    };
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.4}"));
    let overlap = format!("{:.4}", pair.iou_top5);
    Some(vec![name(row)?, name(column)?, number(pair.pearson), number(pair.spearman), overlap])
}
