//! Lens by layer: accuracy, margin, bias and calibration of the residual stream after every attention and MLP.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    analysis::{logit_scores::LogitScores, measures::Measured},
    app::state::open_run::OpenRun,
    jobs::LayerScores,
    tui::{
        theme::{Role, Theme},
        widgets::pane,
    },
};

use super::{
    draw_context::{DrawContext, opened},
    status,
};

/// Columns of names and scales to the left of the bars.
const LEFT: usize = 13;
/// Eighths of a cell.
const BLOCKS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// A chart: its name, its value in scores, and how the value is written.
struct Chart {
    name: &'static str,
    value: fn(&LogitScores) -> Option<Measured>,
    write: fn(f64) -> String,
    /// Least range of its scale.
    range: (f64, f64),
}

const CHARTS: [Chart; 4] = [
    Chart { name: "accuracy", value: |scores| Some(scores.accuracy), write: percent, range: (0.0, 1.0) },
    Chart {
        name: "margin",
        value: |scores| Some(scores.margin),
        write: |nats| format!("{nats:+.2}"),
        range: (0.0, 0.0),
    },
    Chart { name: "bias", value: |scores| Some(scores.bias), write: |bias| format!("{bias:.2}"), range: (0.0, 1.0) },
    Chart { name: "calib. err.", value: |scores| scores.ece, write: |error| format!("{error:.2}"), range: (0.0, 0.0) },
];

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// Draws the view.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, run: &OpenRun) {
    let (state, theme) = (ctx.state, ctx.theme);
    let known = run.results.layer_scores.as_deref();
    let note = known.map_or_else(String::new, |scores| format!("{} examples, own scale", scores.examples));
    let inside = opened(buf, area, theme, "lens by layer", Line::styled(note, theme.fg(Role::Dim)));
    let message = match (known, &state.experiments.quick_failure) {
        (Some(scores), _) => {
            let layer = state.selected_name().map_or(0, |component| component.layer);
            return charts(buf, inside, theme, scores, layer);
        }
        (None, Some((_, _, why))) => why.clone(),
        (None, None) => format!("{} running the model on all test examples", status::spinner(ctx.tick)),
    };
    let lines = pane::wrap(&message, inside.width.into());
    pane::stack(buf, inside, lines.into_iter().map(|line| Line::styled(line, theme.fg(Role::Text))));
}

/// Draws one chart under the other, and the numbers of `layer`.
fn charts(buf: &mut Buffer, area: Rect, theme: &Theme, scores: &LayerScores, layer: usize) {
    let points = shown(scores.own.len(), usize::from(area.width).saturating_sub(LEFT));
    let cell = (usize::from(area.width).saturating_sub(LEFT) / points.len().max(1)).clamp(1, 4);
    let numbers = facts(theme, scores, layer);
    let rows = usize::from(area.height).saturating_sub(numbers.len() + 2);
    let height = (rows / CHARTS.len()).saturating_sub(1).clamp(1, 8);
    let mut lines = Vec::new();
    for chart in &CHARTS {
        lines.extend(bars(theme, chart, scores, (&points, cell), (height, layer)));
        lines.push(Line::default());
    }
    lines.pop();
    lines.push(ticks(theme, &points, cell, layer));
    lines.push(Line::default());
    lines.extend(numbers);
    pane::stack(buf, area, lines);
}

/// Returns the points that fit into `room` columns: all, or else evenly spaced ones with the last.
fn shown(points: usize, room: usize) -> Vec<usize> {
    let every = points.div_ceil(room.max(1)).max(1);
    (0..points).rev().step_by(every).collect::<Vec<_>>().into_iter().rev().collect()
}

/// Returns the rows of a chart, each with bars of `cell` columns; those of `layer` stand out.
fn bars(
    theme: &Theme,
    chart: &Chart,
    scores: &LayerScores,
    (points, cell): (&[usize], usize),
    (height, layer): (usize, usize),
) -> Vec<Line<'static>> {
    let value = |&at: &usize| (chart.value)(&scores.own[at]).map(|measured| measured.value);
    let values: Vec<Option<f64>> = points.iter().map(value).collect();
    let known = || values.iter().flatten().copied();
    let (low, high) = (known().fold(chart.range.0, f64::min), known().fold(chart.range.1, f64::max));
    let eighths = |value: f64| {
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        ((share * 8.0 * height as f64).round() as usize).max(1)
    };
    let row = |row: usize| {
        let left = match row {
            0 if height == 1 => format!("{} ≤{}", chart.name, (chart.write)(high)),
            0 => format!("{:>12}", (chart.write)(high)),
            row if row + 1 == height => format!("{:>12}", (chart.write)(low)),
            _ => String::new(),
        };
        let left = if row == height / 2 && height > 2 { chart.name.to_owned() } else { left };
        let mut spans = vec![Span::styled(pane::column(&left, LEFT), theme.fg(Role::Dim))];
        spans.extend(points.iter().zip(&values).map(|(at, value)| {
            let filled = value.map_or(0, |value| eighths(value).saturating_sub(8 * (height - 1 - row)).min(8));
            let role = if at / 2 == layer { Role::Strong } else { Role::Good };
            let gap = usize::from(cell > 1);
            Span::styled(BLOCKS[filled].repeat(cell - gap) + &" ".repeat(gap), theme.fg(role))
        }));
        Line::from(spans)
    };
    let mut rows: Vec<Line<'static>> = (0..height).map(row).collect();
    if height == 2 {
        rows[0].spans[0] =
            Span::styled(pane::column(&format!("{} {}", short(chart), (chart.write)(high)), LEFT), theme.fg(Role::Dim));
    }
    rows
}

/// Returns the first letters of a chart's name.
fn short(chart: &Chart) -> String {
    chart.name.chars().take(6).collect()
}

/// Returns the layers under the bars, with a mark at `layer`.
fn ticks(theme: &Theme, points: &[usize], cell: usize, layer: usize) -> Line<'static> {
    let mut text = String::new();
    for (index, at) in points.iter().enumerate() {
        let (start, name) = (index * cell, (at / 2).to_string());
        let first = index == 0 || points[index - 1] / 2 != at / 2;
        if first && text.chars().count() <= start && (at / 2) % 2 == 0 {
            text += &" ".repeat(start - text.chars().count());
            text += &name;
            text.push(' ');
        }
    }
    Line::from(vec![
        Span::styled(pane::column("layer", LEFT), theme.fg(Role::Dim)),
        Span::styled(text, theme.fg(Role::Dim)),
        Span::styled(format!("  (L{layer} below)"), theme.fg(Role::Faint)),
    ])
}

/// Returns the numbers of `layer` after its attention and after its MLP, with their intervals.
fn facts(theme: &Theme, scores: &LayerScores, layer: usize) -> Vec<Line<'static>> {
    let line = |(at, name): (usize, &str)| {
        let scores = scores.own.get(at)?;
        let (accuracy, margin) = (scores.accuracy, scores.margin);
        let text = format!(
            "{:>6.1} % ({:.1}–{:.1})  margin {:+.2} ({:+.2}, {:+.2})",
            100.0 * accuracy.value,
            100.0 * accuracy.ci.0,
            100.0 * accuracy.ci.1,
            margin.value,
            margin.ci.0,
            margin.ci.1
        );
        Some(Line::from(vec![
            Span::styled(pane::column(&format!("L{layer}.{name}"), LEFT - 4), theme.bold(Role::Strong)),
            Span::styled(text, theme.fg(Role::Text)),
        ]))
    };
    [(2 * layer, "attn"), (2 * layer + 1, "mlp")].into_iter().filter_map(line).collect()
}
