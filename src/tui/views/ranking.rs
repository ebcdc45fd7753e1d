//! Components ranked from the highest value to the lowest, with their intervals.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::state::{metric::Metric, open_run::OpenRun},
    tui::{
        layout::list::first_row,
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
    let first = first_row(state.order.len(), rows, at);
    for (row, (rank, &component)) in state.order.iter().enumerate().skip(first).take(rows).enumerate() {
        let place = Rect { y: inside.y + row as u16, height: 1, ..inside };
        pane::put_at(buf, place, 0, line(ctx, run, rank, component, place.width));
        if rank == at {
            buf.set_style(place, theme.selected());
        }
    }
    let listed = Rect { height: rows as u16, ..inside };
    pane::scroll_cues(buf, listed, theme, (first, state.order.len()));
    let legend = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
    legend::draw_kinds(buf, legend, theme, run);
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
