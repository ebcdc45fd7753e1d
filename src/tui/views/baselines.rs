//! Baselines for a mix: every method that uses only the same labels, scored on the same test examples.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    analysis::{
        baseline::Outcome,
        intervals::{Z95, wilson},
        measures::{Measured, Measures},
    },
    app::state::{fit::BaselineScores, open_run::OpenRun},
    text::signed,
    tui::{
        theme::{Role, Theme},
        widgets::pane,
    },
};

use super::{
    draw_context::{DrawContext, opened, percent},
    status,
};

/// Meaning of the marks before some methods.
const NOTES: [&str; 2] = ["* uses the other test examples", "† uses the test labels: a bound"];

/// Draws the pane.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, run: &OpenRun) {
    let theme = ctx.theme;
    let note = Line::styled("test %, 95% CI", theme.fg(Role::Dim));
    let inside = opened(buf, area, theme, "baselines, same labels", note);
    let message = match &run.baselines {
        Some(BaselineScores::Known(outcomes)) => return table(buf, inside, theme, run, outcomes),
        Some(BaselineScores::Pending) => format!("{} scoring", status::spinner(ctx.tick)),
        Some(BaselineScores::Failed(why)) => why.clone(),
        None => "scored when the run is complete".to_owned(),
    };
    let lines = pane::wrap(&message, inside.width.into());
    pane::stack(buf, inside, lines.into_iter().map(|line| Line::styled(line, theme.fg(Role::Dim))));
}

/// Draws the current mix, then a row per method. Methods that use test inputs or labels are dimmed.
fn table(buf: &mut Buffer, area: Rect, theme: &Theme, run: &OpenRun, outcomes: &[Outcome]) {
    let wide = usize::from(area.width) >= NARROW + MEASURES.chars().count();
    let n = run.test.tally.len();
    let share = run.test.mixed.accuracy().filter(|_| !run.mixer.is_model());
    let current = share.map(|share| line("this mix", share, wilson((share * n as f64).round() as usize, n, Z95)));
    let current = current.map(|text| Line::styled(format!("▸ {text}"), theme.bold(Role::Accent)));
    let best = |outcome: &&Outcome| !outcome.leakage && !outcome.transductive;
    let best = outcomes.iter().filter(best).map(|outcome| outcome.accuracy).fold(0.0, f64::max);
    let row = |outcome: &Outcome| {
        let fair = !outcome.leakage && !outcome.transductive;
        let role = match () {
            () if fair && outcome.accuracy >= best => Role::Good,
            () if fair => Role::Text,
            () => Role::Dim,
        };
        let star = if outcome.transductive { "*" } else { " " };
        let mark = if outcome.leakage { "†" } else { star };
        let mut text = line(outcome.method.title(), outcome.accuracy, outcome.ci);
        if wide {
            text = format!("{text:0$}{1}", NARROW - 2, measures(&outcome.measures));
        }
        Line::from(vec![Span::styled(format!("{mark} "), theme.fg(Role::Dim)), Span::styled(text, theme.fg(role))])
    };
    let head = wide.then(|| Line::styled(format!("{:NARROW$}{MEASURES}", ""), theme.fg(Role::Dim)));
    let rows: Vec<Line<'_>> = head.into_iter().chain(current).chain(outcomes.iter().map(row)).collect();
    let room = usize::from(area.height);
    let roomy = rows.len() + NOTES.len() < room;
    let shown = if roomy { rows.len() } else { rows.len().min(room.saturating_sub(1)) };
    let marked = |mark: char| rows.iter().any(|row| row.to_string().starts_with(mark));
    let notes = NOTES.into_iter().filter(|note| note.chars().next().is_some_and(marked));
    let notes: Vec<String> = notes.map(str::to_owned).collect();
    let hidden = rows.len() - shown;
    let below = if hidden > 0 { vec![format!("and {hidden} more on a taller screen")] } else { notes };
    let left = pane::stack(buf, area, rows.into_iter().take(shown));
    let below = below.into_iter().map(|note| Line::styled(note, theme.fg(Role::Dim)));
    pane::stack(buf, left, roomy.then(Line::default).into_iter().chain(below));
}

/// Columns of a row without measures.
const NARROW: usize = 34;
/// Heads of the columns of [`measures`].
const MEASURES: &str = "   F1  ECE  NLL     Δ";

/// Formats macro-F1, calibration error, negative log likelihood and the difference to the default method.
fn measures(measures: &Measures) -> String {
    let number =
        |measured: Option<Measured>| measured.map_or_else(|| "–".to_owned(), |own| format!("{:.2}", own.value));
    let difference = measures.difference.map_or_else(|| "–".to_owned(), |own| signed(100.0 * own.value, 1));
    let f1 = number(Some(measures.macro_f1));
    format!("{f1:>5}{:>5}{:>5}{difference:>6}", number(measures.ece), number(measures.nll))
}

fn line(name: &str, accuracy: f64, (low, high): (f64, f64)) -> String {
    format!("{name:<17}{:>5} [{:.0}, {:.0}]", percent(Some(accuracy)), low * 100.0, high * 100.0)
}
