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

/// A row: a name, an accuracy, and its interval.
type Score<'a> = (&'a str, f64, (f64, f64));

/// Columns of the names, and the form of the intervals, so that a row fits.
struct Columns {
    name: usize,
    numbers: usize,
    gap: &'static str,
}

impl Columns {
    fn new(scores: &[Score<'_>], width: usize) -> Self {
        let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let name = widest(&mut scores.iter().map(|(name, ..)| pane::width(name)));
        let numbers = |gap| widest(&mut scores.iter().map(|&(_, share, ci)| numbers(share, ci, gap).len()));
        let gap = if MARK + name + 1 + numbers(" ") <= width { " " } else { "" };
        let numbers = numbers(gap);
        Self { name: name.min(width.saturating_sub(MARK + 1 + numbers)), numbers, gap }
    }

    const fn width(&self) -> usize {
        MARK + self.name + 1 + self.numbers
    }

    /// Returns `ridge towards 0   86.8 [84, 89]`.
    fn row(&self, (name, share, ci): Score<'_>) -> String {
        format!("{} {:<2$}", pane::column(name, self.name), numbers(share, ci, self.gap), self.numbers)
    }
}

/// Draws the current mix, then a row per method. Methods that use test inputs or labels are dimmed.
fn table(buf: &mut Buffer, area: Rect, theme: &Theme, run: &OpenRun, outcomes: &[Outcome]) {
    let n = run.test.tally.len();
    let share = run.test.mixed.accuracy().filter(|_| !run.mixer.is_model());
    let current = share.map(|share| ("this mix", share, wilson((share * n as f64).round() as usize, n, Z95)));
    let score = |outcome: &Outcome| -> Score<'static> { (outcome.method.title(), outcome.accuracy, outcome.ci) };
    let scores: Vec<Score<'_>> = current.into_iter().chain(outcomes.iter().map(score)).collect();
    let columns = Columns::new(&scores, area.width.into());
    let wide = usize::from(area.width) >= columns.width() + MEASURES.chars().count();
    let current = current.map(|score| Line::styled(format!("▸ {}", columns.row(score)), theme.bold(Role::Accent)));
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
        let more = if wide { measures(&outcome.measures) } else { String::new() };
        let text = format!("{}{more}", columns.row(score(outcome)));
        Line::from(vec![Span::styled(format!("{mark} "), theme.fg(Role::Dim)), Span::styled(text, theme.fg(role))])
    };
    let head = wide.then(|| Line::styled(format!("{:1$}{MEASURES}", "", columns.width()), theme.fg(Role::Dim)));
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

/// Columns of the mark before a name.
const MARK: usize = 2;
/// Heads of the columns of [`measures`].
const MEASURES: &str = "    F1   ECE   NLL      Δ";

/// Formats macro-F1, calibration error, negative log likelihood and the difference to the default method.
fn measures(measures: &Measures) -> String {
    let number =
        |measured: Option<Measured>| measured.map_or_else(|| "–".to_owned(), |own| format!("{:.2}", own.value));
    let difference = measures.difference.map_or_else(|| "–".to_owned(), |own| signed(100.0 * own.value, 1));
    let f1 = number(Some(measures.macro_f1));
    format!("{f1:>6}{:>6}{:>6}{difference:>7}", number(measures.ece), number(measures.nll))
}

/// Formats an accuracy and its interval: ` 86.8 [84, 89]`.
fn numbers(share: f64, (low, high): (f64, f64), gap: &str) -> String {
    format!("{:>5} [{:.0},{gap}{:.0}]", percent(Some(share)), low * 100.0, high * 100.0)
}
