//! The components from the highest value to the lowest, with their intervals.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::state::{metric::Metric, open_run::Sheet},
    tui::{
        theme::{Role, Theme, glyph},
        widgets::{bar::interval, legend, pane},
    },
};

use super::scene::{Scene, opened};

/// A row a component; the list follows the cursor.
pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let (state, theme) = (scene.state, scene.theme);
    let title = format!("{}, ranked", super::map::title(state));
    let Some(sheet) = state.sheet() else {
        opened(buf, area, theme, "ranked", Line::default());
        return;
    };
    let at = state.selected().and_then(|selected| state.order.iter().position(|&component| component == selected));
    let at = at.unwrap_or(0);
    let place = format!("{} of {}", at + 1, state.order.len());
    let inside = opened(buf, area, theme, &title, Line::styled(place, theme.fg(Role::Dim)));
    let rows = usize::from(inside.height.saturating_sub(1));
    let first = at.saturating_sub(rows / 2).min(state.order.len().saturating_sub(rows));
    for (row, (rank, &component)) in state.order.iter().enumerate().skip(first).take(rows).enumerate() {
        let place = Rect { y: inside.y + row as u16, height: 1, ..inside };
        pane::put_at(buf, place, 0, line(scene, sheet, rank, component, place.width));
        if rank == at {
            buf.set_style(place, theme.selected());
        }
    }
    let legend = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
    legend::draw_kinds(buf, legend, theme, sheet);
}

fn line(scene: Scene<'_>, sheet: &Sheet, rank: usize, component: usize, width: u16) -> Line<'static> {
    let (state, theme) = (scene.state, scene.theme);
    let kind = sheet.kind(component);
    let role = kind.map_or(Role::Text, Theme::kind);
    let value = state.map.values[component].map_or_else(|| "·".to_owned(), |value| state.map.metric.short(value));
    let mut spans = vec![
        Span::styled(format!("{:>4} ", rank + 1), theme.fg(Role::Faint)),
        Span::styled(format!("{} ", kind.map_or(" ", glyph)), theme.bold(role)),
        Span::styled(format!("{:<9}", sheet.name(component).to_string()), theme.fg(Role::Text)),
        Span::styled(format!("{value:>5}  "), theme.bold(role)),
    ];
    let room = usize::from(width).saturating_sub(23);
    spans.extend(drawing(scene, sheet, component, role, room).spans);
    spans.into()
}

/// Accuracies with their intervals; other quantities on their scale.
fn drawing(scene: Scene<'_>, sheet: &Sheet, component: usize, role: Role, width: usize) -> Line<'static> {
    let map = &scene.state.map;
    let Some(value) = map.values[component] else { return Line::default() };
    let (low, high) = (map.scale.low, map.scale.high);
    let share = |value: f64| (value - low) / (high - low).max(f64::MIN_POSITIVE);
    let range = sheet.stats_of(component).map(|stats| stats.ci).filter(|_| map.metric == Metric::Accuracy);
    interval(scene.theme, role, share(value), range, share(map.scale.neutral), width)
}
