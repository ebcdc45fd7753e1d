//! What goes to the clipboard: the row under the cursor, with tabs between its columns.

use crate::{
    analysis::Kind,
    app::{
        effect::Effect,
        state::{Screen, Severity, State, demo_editor::summary},
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
        Screen::Mixer if state.fit_controls.on_rest => rest(state),
        Screen::Map | Screen::Mixer | Screen::Experiments => component(state),
    };
    let Some(cells) = cells else {
        state.notify(Severity::Plain, "there is nothing to copy here");
        return Vec::new();
    };
    state.notify(Severity::Plain, format!("copied: {}", cells.join("  ")));
    vec![Effect::Copy(cells.join("\t"))]
}

/// Name, accuracy, kind, weight.
fn component(state: &State) -> Option<Vec<String>> {
    let (run, component) = (state.run()?, state.selected()?);
    let accuracy = run.test.tally.accuracy(component)?;
    let kind = run.kind(component).map_or("", Kind::name);
    let weight = run.mixer.weight(component).to_string();
    Some(vec![run.name(component).to_string(), format!("{accuracy:.4}"), kind.to_owned(), weight])
}

fn rest(state: &State) -> Option<Vec<String>> {
    Some(vec!["rest".to_owned(), state.run()?.mixer.rest().to_string()])
}

/// Id, gold, what is heard, text.
fn example(state: &State) -> Option<Vec<String>> {
    let (run, example) = (state.run()?, *state.example_list.rows.get(state.example_list.at)?);
    let item = &run.test.items[example];
    let said = run.label(*run.predicted(Split::Test).get(example)?);
    Some(vec![item.id.clone(), run.label(item.gold), said, item.text.clone()])
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
    let (a, b, component) = (state.other_run()?, state.run()?, state.selected()?);
    let (a, name) = (a.test.tally.accuracy(component)?, b.name(component).to_string());
    let b = b.test.tally.accuracy(component)?;
    Some(vec![name, format!("{a:.4}"), format!("{b:.4}"), format!("{:+.4}", b - a)])
}

/// The pair under the cursor: both runs, Pearson, Spearman, overlap of the best.
fn pair(state: &State) -> Option<Vec<String>> {
    let (row, column) = state.matrix.at;
    let pair = state.matrix.agreement.get(row)?.get(column)?;
    let name = |index: usize| {
        let id = state.matrix.runs.get(index)?;
        let run = state.runs.iter().find(|run| run.id == *id)?;
        Some(format!("{} {}", run.task.template, run.demos_name()))
    };
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.4}"));
    let overlap = format!("{:.4}", pair.iou_top5);
    Some(vec![name(row)?, name(column)?, number(pair.pearson), number(pair.spearman), overlap])
}
