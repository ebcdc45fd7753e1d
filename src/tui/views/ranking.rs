//! Components ranked from the highest value to the lowest, with their intervals.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::state::{metric::Metric, open_run::OpenRun},
    tui::{
        layout::list::visible_ranks,
        theme::{Role, Theme, glyph},
        widgets::{bar::interval, legend, pane},
    },
};

use super::draw_context::{DrawContext, opened};

/// Draws a row per component; the list scrolls with the cursor.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let (state, theme) = (ctx.state, ctx.theme);
    let title = format!("{}, ranked", super::component_map::title(state));
    let Some(run) = state.run() else {
        opened(buf, area, theme, "ranked", Line::default());
        return;
    };
    let at = state.selected().and_then(|selected| state.order.iter().position(|&component| component == selected));
    let at = at.unwrap_or(0);
    let place = format!("{} of {}", at + 1, state.order.len());
    let inside = opened(buf, area, theme, &title, Line::styled(place, theme.fg(Role::Dim)));
    let rows = usize::from(inside.height.saturating_sub(1));
    let listed = Rect { height: rows as u16, ..inside };
    rows_of_ranking(buf, listed, theme, (state.order.len(), at), |rank| {
        line(ctx, run, rank, state.order[rank], inside.width)
    });
    let legend = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
    legend::draw_kinds(buf, legend, theme, run);
}

/// Draws the visible ranks of a ranking of `count` rows with the cursor on rank `at`.
pub(super) fn rows_of_ranking(
    buf: &mut Buffer,
    rows: Rect,
    theme: &Theme,
    (count, at): (usize, usize),
    line: impl Fn(usize) -> Line<'static>,
) {
    let shown = visible_ranks(count, rows.height.into(), at);
    for (row, rank) in shown.iter().enumerate() {
        let place = Rect { y: rows.y + row as u16, height: 1, ..rows };
        let Some(rank) = *rank else {
            let next = shown.get(row + 1).copied().flatten().unwrap_or(count);
            let text = format!("   ⋮ {} between", next - row);
            pane::put_at(buf, place, 0, Line::styled(text, theme.fg(Role::Dim)));
            continue;
        };
        pane::put_at(buf, place, 0, line(rank));
        if rank == at {
            buf.set_style(place, theme.selected());
        }
    }
    let ends = (shown.first().copied().flatten(), shown.last().copied().flatten());
    if let (Some(first), Some(last)) = ends {
        pane::hidden_cues(buf, rows, theme, (first, count - last - 1));
    }
}

fn line(ctx: DrawContext<'_>, run: &OpenRun, rank: usize, component: usize, width: u16) -> Line<'static> {
    let (state, theme) = (ctx.state, ctx.theme);
    let kind = run.kind(component);
    let role = kind.map_or(Role::Text, Theme::kind);
    let value = state.map.values[component].map_or_else(|| "·".to_owned(), |value| state.map.metric.short(value));
    let mut spans = vec![
        Span::styled(format!("{:>4} ", rank + 1), theme.fg(Role::Faint)),
        Span::styled(format!("{} ", kind.map_or(" ", glyph)), theme.bold(role)),
        Span::styled(format!("{:<9}", run.name(component).to_string()), theme.fg(Role::Text)),
        Span::styled(format!("{value:>5}  "), theme.bold(role)),
    ];
    let room = usize::from(width).saturating_sub(23);
    spans.extend(drawing(ctx, run, component, role, room).spans);
    spans.into()
}

/// Draws the value on its scale, with the interval for accuracies.
fn drawing(ctx: DrawContext<'_>, run: &OpenRun, component: usize, role: Role, width: usize) -> Line<'static> {
    let map = &ctx.state.map;
    let Some(value) = map.values[component] else { return Line::default() };
    let (low, high) = (map.scale.low, map.scale.high);
    let share = |value: f64| (value - low) / (high - low).max(f64::MIN_POSITIVE);
    let range = run.stats_of(component).map(|stats| stats.ci).filter(|_| map.metric == Metric::Accuracy);
    interval(ctx.theme, role, share(value), range, share(map.scale.neutral), width)
}
