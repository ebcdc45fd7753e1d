//! The mix: accuracy of model and mix on both splits, which of them is on, and what the mix changes.

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
            open_run::{Change, OpenRun},
        },
    },
    attribution::Split,
    tui::{
        theme::{Role, Theme},
        widgets::pane,
    },
};

use super::{
    draw_context::{DrawContext, percent},
    status,
};

/// Draws the pane.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let theme = ctx.theme;
    let run = ctx.state.run();
    let (mark, role) = on_or_off(run);
    let title = Line::styled("mix", theme.bold(Role::Text));
    let inside = pane::open(buf, area, theme, title, Line::styled(mark, theme.bold(role)));
    let Some(run) = run else { return };
    let fit = ctx.state.key_of(Action::Fit);
    let heads = format!("  {:<8}{:>7}{:>8}", "", "test", "train");
    let lines = [Line::styled(heads, theme.fg(Role::Dim)), model_line(theme, run), mix_line(theme, run, &fit)];
    let left = pane::stack(buf, inside, lines);
    pane::stack(buf, left, [note(ctx, run)]);
}

/// Returns whether the mix is on, if there is one.
pub(super) fn on_or_off(run: Option<&OpenRun>) -> (&'static str, Role) {
    match run {
        Some(run) if run.mixer.on => ("● on", Role::Accent),
        Some(run) if !run.mixer.is_model() => ("○ off", Role::Text),
        _ => ("", Role::Dim),
    }
}

fn row(theme: &Theme, is_on: bool, name: &str, test: Option<f64>, train: Option<f64>) -> Vec<Span<'static>> {
    let (mark, style) = if is_on { ("▸", theme.bold(Role::Accent)) } else { (" ", theme.fg(Role::Dim)) };
    let text = format!("{mark} {name:<8}{:>7}{:>8}", percent(test), percent(train));
    vec![Span::styled(text, style)]
}

fn model_line(theme: &Theme, run: &OpenRun) -> Line<'static> {
    let (test, train) = (run.test.tally.full_accuracy(), run.train.tally.full_accuracy());
    row(theme, !run.mixer.on, "model", test, train).into()
}

fn mix_line(theme: &Theme, run: &OpenRun, fit: &str) -> Line<'static> {
    if run.mixer.is_model() {
        return Line::styled(format!("  no mix yet: {fit} fits one"), theme.fg(Role::Dim));
    }
    let mut spans = row(theme, run.mixer.on, "mix", run.test.mixed.accuracy(), run.train.mixed.accuracy());
    if let (Some(mix), Some(model)) = (run.test.mixed.accuracy(), run.test.tally.full_accuracy()) {
        let gain = (mix - model) * 100.0;
        let role = if gain >= 0.0 { Role::Good } else { Role::Bad };
        spans.push(Span::styled(format!("  {gain:+.1}"), theme.bold(role)));
    }
    spans.into()
}

/// Returns what the mix changes, or that a fit is running.
pub(super) fn note(ctx: DrawContext<'_>, run: &OpenRun) -> Line<'static> {
    let theme = ctx.theme;
    match ctx.state.fitting {
        Fitting::Running(id) if id == run.id => {
            return Line::styled(format!("{} fitting", status::spinner(ctx.tick)), theme.bold(Role::Accent));
        }
        Fitting::Waiting(id) if id == run.id => {
            return Line::styled("waiting for the training examples", theme.fg(Role::Dim));
        }
        _ if run.mixer.is_model() => return Line::default(),
        _ => {}
    }
    let shown = [(Change::Fixed, "▲", "fixed", Role::Good), (Change::Broken, "▼", "broken", Role::Bad)];
    let mut spans = Vec::new();
    for (change, mark, name, role) in shown {
        spans.push(Span::styled(format!("{mark} {} {name}  ", run.changes(change)), theme.fg(role)));
    }
    let more =
        [(run.changes(Change::Other), "◆ ", "other", Role::Biased), (run.mixer.silent(), "", "muted", Role::Dim)];
    for (count, mark, name, role) in more.into_iter().filter(|(count, ..)| *count > 0) {
        spans.push(Span::styled(format!("{mark}{count} {name}  "), theme.fg(role)));
    }
    spans.into()
}

/// Returns the accuracy of the mix if it is on, else of the model.
pub(super) fn accuracy_note(run: &OpenRun) -> String {
    let name = if run.mixer.on { "mix" } else { "model" };
    format!("{name} {} %", percent(run.accuracy(Split::Test)))
}
