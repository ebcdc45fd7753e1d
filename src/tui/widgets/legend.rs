//! Legend of the map: colours or shades, digits and glyphs.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::{
    analysis::Kind,
    app::state::{cell_number::Unit, metric::Metric, open_run::OpenRun, scale::Scale},
    tui::theme::{Role, Theme, glyph, kind_name},
};

use super::{heatmap::shade, pane};

/// Marks of the mixer: muted, solo, marked.
pub const MARKS: [(char, &str); 3] = [('×', "muted"), ('◆', "solo"), ('+', "marked")];

/// Draws three rows: the scale, the kinds with their counts, and those of the `marks` that occur on the map. `narrow`
/// cells show a digit only.
pub fn draw(
    buf: &mut Buffer,
    area: Rect,
    theme: &Theme,
    run: &OpenRun,
    (metric, scale, narrow): (Metric, Scale, bool),
    marks: &[char],
) {
    let note = metric.note(scale);
    pane::put_at(buf, area, 0, scale_line(theme, (metric.unit(), &note), scale, area.width, narrow));
    pane::put_at(buf, area, 1, kinds_line(theme, run));
    let shown = MARKS.iter().filter(|(mark, _)| marks.contains(mark));
    let spans = shown.flat_map(|(mark, name)| {
        [
            Span::styled(format!("{mark} "), theme.bold(Role::Accent)),
            Span::styled(format!("{name}  "), theme.fg(Role::Dim)),
        ]
    });
    pane::put_at(buf, area, 2, spans.collect::<Vec<_>>().into());
}

/// Draws one row: the kinds with their counts.
pub fn draw_kinds(buf: &mut Buffer, area: Rect, theme: &Theme, run: &OpenRun) {
    pane::put_at(buf, area, 0, kinds_line(theme, run));
}

/// Returns `0 ▒▒▒▒▒▒▒▒▒▒▒▒ 100 %  chance 50`. Notes are left out if they do not fit.
pub fn scale_line(theme: &Theme, (unit, note): (Unit, &str), scale: Scale, width: u16, narrow: bool) -> Line<'static> {
    let dim = theme.fg(Role::Dim);
    let (low, high) = (unit.number(scale.low, 5), unit.number(scale.high, 5));
    let digit = match () {
        () if narrow && unit.is_signed() => "  +: above 0",
        () if narrow => "  5: 50–59",
        () => "",
    };
    let used = low.len() + high.len() + unit.name().chars().count() + 3;
    let room = usize::from(width).saturating_sub(used + 6);
    let note = format!("  {note}");
    let notes = [format!("{note}{digit}"), digit.to_owned(), note];
    let note = notes.into_iter().find(|note| !note.is_empty() && note.chars().count() <= room).unwrap_or_default();
    let steps = usize::from(width).saturating_sub(used + note.chars().count()).clamp(4, 40);
    let mut spans = vec![Span::styled(format!("{low} "), dim)];
    for step in 0..steps {
        let value = scale.low + (scale.high - scale.low) * (step as f64 + 0.5) / steps as f64;
        let place = scale.place(value);
        spans.push(match theme.ramp.color(place) {
            Some(color) => Span::styled(" ", Style::new().bg(color)),
            None => Span::raw(shade(place).to_string()),
        });
    }
    spans.push(Span::styled(format!(" {high} {}", unit.name()), dim));
    spans.push(Span::styled(note, dim));
    spans.into()
}

/// Returns `▲ 12 good  ▼ 7 bad  ■ 23 label-biased`.
fn kinds_line(theme: &Theme, run: &OpenRun) -> Line<'static> {
    let count = |kind| (0..run.shape.components()).filter(|&c| run.kind(c) == Some(kind)).count();
    let is_known = run.stats.is_some();
    let mut spans = Vec::new();
    for kind in [Kind::Good, Kind::Bad, Kind::LabelBiased] {
        let number = if is_known || kind == Kind::LabelBiased { count(kind).to_string() } else { "…".to_owned() };
        spans.push(Span::styled(format!("{} ", glyph(kind)), theme.bold(Theme::kind(kind))));
        spans.push(Span::styled(format!("{number} {}  ", kind_name(kind)), theme.fg(Role::Dim)));
    }
    spans.into()
}
