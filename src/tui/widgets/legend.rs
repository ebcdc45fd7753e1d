//! What the map's colours, digits and glyphs mean: always true, with and without colours.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::{
    analysis::Kind,
    app::{
        metric::{Metric, Scale},
        sheet::Sheet,
    },
    tui::theme::{Role, Theme, glyph, kind_name},
};

use super::{heatmap::shade, pane};

/// Two rows: the scale, and the kinds with how many there are.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, sheet: &Sheet, metric: Metric, scale: Scale) {
    pane::put_at(buf, area, 0, scale_line(theme, metric, scale, area.width));
    pane::put_at(buf, area, 1, kinds_line(theme, sheet));
}

/// One row: the kinds with how many there are.
pub fn draw_kinds(buf: &mut Buffer, area: Rect, theme: &Theme, sheet: &Sheet) {
    pane::put_at(buf, area, 0, kinds_line(theme, sheet));
}

/// `0 ▒▒▒▒▒▒▒▒▒▒▒▒ 100 %  chance 50`.
pub fn scale_line(theme: &Theme, metric: Metric, scale: Scale, width: u16) -> Line<'static> {
    let dim = theme.fg(Role::Dim);
    let (low, high) = (metric.short(scale.low), metric.short(scale.high));
    let chance = match metric {
        Metric::Accuracy => format!("  chance {}", metric.short(scale.neutral)),
        Metric::VersusModel => "  0: as the model".to_owned(),
        Metric::Weight => "  1: the model's own".to_owned(),
        Metric::Bias => "  100: one label only".to_owned(),
        Metric::Margin => "  for gold: above 0".to_owned(),
    };
    let used = low.len() + high.len() + metric.unit().chars().count() + chance.chars().count() + 3;
    let steps = usize::from(width).saturating_sub(used).clamp(6, 40);
    let mut spans = vec![Span::styled(format!("{low} "), dim)];
    for step in 0..steps {
        let value = scale.low + (scale.high - scale.low) * (step as f64 + 0.5) / steps as f64;
        let place = scale.place(value);
        spans.push(match theme.ramp.color(place) {
            Some(color) => Span::styled(" ", Style::new().bg(color)),
            None => Span::raw(shade(place).to_string()),
        });
    }
    spans.push(Span::styled(format!(" {high} {}", metric.unit()), dim));
    spans.push(Span::styled(chance, dim));
    spans.into()
}

/// `▲ 12 good  ▼ 7 bad  ■ 23 label-biased`.
fn kinds_line(theme: &Theme, sheet: &Sheet) -> Line<'static> {
    let count = |kind| (0..sheet.shape.components()).filter(|&c| sheet.kind(c) == Some(kind)).count();
    let judged = sheet.stats.is_some();
    let mut spans = Vec::new();
    for kind in [Kind::Good, Kind::Bad, Kind::LabelBiased] {
        let number = if judged || kind == Kind::LabelBiased { count(kind).to_string() } else { "…".to_owned() };
        spans.push(Span::styled(format!("{} ", glyph(kind)), theme.bold(Theme::kind(kind))));
        spans.push(Span::styled(format!("{number} {}  ", kind_name(kind)), theme.fg(Role::Dim)));
    }
    spans.into()
}
