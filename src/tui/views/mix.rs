//! The mix: both accuracies on both splits, which of them is heard, and what the mix changes.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::{
        Action,
        state::{
            Fitting,
            open_run::{Change, Sheet},
        },
    },
    attribution::Split,
    tui::{
        theme::{Role, Theme},
        widgets::pane,
    },
};

use super::{
    scene::{Scene, percent},
    status,
};

/// The pane.
pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let theme = scene.theme;
    let sheet = scene.state.sheet();
    let (mark, role) = standing(sheet);
    let title = Line::styled("mix", theme.bold(Role::Text));
    let inside = pane::open(buf, area, theme, title, Line::styled(mark, theme.bold(role)));
    let Some(sheet) = sheet else { return };
    let fit = scene.state.key_of(Action::Fit);
    let heads = format!("  {:<8}{:>7}{:>8}", "", "test", "train");
    let lines = [Line::styled(heads, theme.fg(Role::Dim)), model_line(theme, sheet), mix_line(theme, sheet, &fit)];
    let left = pane::stack(buf, inside, lines);
    pane::stack(buf, left, [note(scene, sheet)]);
}

/// Whether the mix is heard, if there is one.
pub(super) fn standing(sheet: Option<&Sheet>) -> (&'static str, Role) {
    match sheet {
        Some(sheet) if sheet.desk.on => ("● on", Role::Accent),
        Some(sheet) if !sheet.desk.is_model() => ("○ off", Role::Text),
        _ => ("", Role::Dim),
    }
}

fn row(theme: &Theme, heard: bool, name: &str, test: Option<f64>, train: Option<f64>) -> Vec<Span<'static>> {
    let (mark, style) = if heard { ("▸", theme.bold(Role::Accent)) } else { (" ", theme.fg(Role::Dim)) };
    let text = format!("{mark} {name:<8}{:>7}{:>8}", percent(test), percent(train));
    vec![Span::styled(text, style)]
}

fn model_line(theme: &Theme, sheet: &Sheet) -> Line<'static> {
    let (test, train) = (sheet.test.tally.full_accuracy(), sheet.train.tally.full_accuracy());
    row(theme, !sheet.desk.on, "model", test, train).into()
}

fn mix_line(theme: &Theme, sheet: &Sheet, fit: &str) -> Line<'static> {
    if sheet.desk.is_model() {
        return Line::styled(format!("  no mix yet: {fit} fits one"), theme.fg(Role::Dim));
    }
    let mut spans = row(theme, sheet.desk.on, "mix", sheet.test.mixed.accuracy(), sheet.train.mixed.accuracy());
    if let (Some(mix), Some(model)) = (sheet.test.mixed.accuracy(), sheet.test.tally.full_accuracy()) {
        let gain = (mix - model) * 100.0;
        let role = if gain >= 0.0 { Role::Good } else { Role::Bad };
        spans.push(Span::styled(format!("  {gain:+.1}"), theme.bold(role)));
    }
    spans.into()
}

/// What the mix changes, or that a fit is under way.
pub(super) fn note(scene: Scene<'_>, sheet: &Sheet) -> Line<'static> {
    let theme = scene.theme;
    match scene.state.fitting {
        Fitting::Running(id) if id == sheet.id => {
            return Line::styled(format!("{} fitting", status::spinner(scene.tick)), theme.bold(Role::Accent));
        }
        Fitting::Waiting(id) if id == sheet.id => {
            return Line::styled("fits once its examples are there", theme.fg(Role::Dim));
        }
        _ if sheet.desk.is_model() => return Line::default(),
        _ => {}
    }
    let shown = [(Change::Fixed, "▲", "fixed", Role::Good), (Change::Broken, "▼", "broken", Role::Bad)];
    let mut spans = Vec::new();
    for (change, mark, name, role) in shown {
        spans.push(Span::styled(format!("{mark} {} {name}  ", sheet.changes(change)), theme.fg(role)));
    }
    let more =
        [(sheet.changes(Change::Other), "◆ ", "other", Role::Biased), (sheet.desk.silent(), "", "silent", Role::Dim)];
    for (count, mark, name, role) in more.into_iter().filter(|(count, ..)| *count > 0) {
        spans.push(Span::styled(format!("{mark}{count} {name}  "), theme.fg(role)));
    }
    spans.into()
}

/// Accuracy of what is heard, for the title of the examples.
pub(super) fn heard(sheet: &Sheet) -> String {
    let name = if sheet.desk.on { "mix" } else { "model" };
    format!("{name} {} %", percent(sheet.accuracy(Split::Test)))
}
