//! Margins of the map, where there is room: means by layer on the right, means by head and the extreme components below.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::state::{State, open_run::OpenRun},
    tui::{
        theme::{Role, Theme, glyph},
        widgets::{grid::Grid, heatmap::centred, pane},
    },
};

use super::draw_context::DrawContext;

/// Columns of a mean beside the map.
const MEAN: u16 = 6;

/// Rows of the legend below the map.
const LEGEND: u16 = 3;

/// Fewest rows below the legend for the extreme components.
const EXTREMES: u16 = 5;

/// Draws the margins into the part of `area` that the map leaves free.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, run: &OpenRun, grid: Grid) {
    let (state, theme) = (ctx.state, ctx.theme);
    layers(buf, area, state, theme, run, grid);
    let top = grid.area.y + grid.height() + LEGEND;
    let below = Rect { y: top, height: area.bottom().saturating_sub(top), ..area };
    if below.height >= EXTREMES + 2 {
        let left = heads(buf, below, state, theme, run, grid);
        extremes(buf, left, state, theme, run);
    }
}

/// Returns the mean of the known values of some components.
fn mean(state: &State, components: impl Iterator<Item = usize>) -> Option<f64> {
    let values: Vec<f64> =
        components.filter_map(|component| state.map.values.get(component).copied().flatten()).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Draws the mean of each visible layer's heads.
fn layers(buf: &mut Buffer, area: Rect, state: &State, theme: &Theme, run: &OpenRun, grid: Grid) {
    let all = run.shape.heads + 1;
    let last = grid.cell(grid.layers.0, grid.columns.0 + grid.columns.1 - 1);
    let Some(x) = last.map(|cell| cell.right() + 1).filter(|x| x + MEAN <= area.right() && grid.columns.1 == all)
    else {
        return;
    };
    let unit = state.map.metric.unit();
    buf.set_string(x, grid.area.y, format!("{:>6}", "mean"), theme.fg(Role::Dim));
    for layer in grid.layers.0..grid.layers.0 + grid.layers.1 {
        let Some(cell) = grid.cell(layer, 0) else { continue };
        let value = mean(state, layer * all..layer * all + run.shape.heads);
        let text = value.map_or_else(|| "·".to_owned(), |value| unit.number(value, 5));
        let row = cell.y + cell.height.saturating_sub(if cell.height >= 3 { 2 } else { 1 }) / 2;
        buf.set_string(x, row, format!("{text:>6}"), theme.fg(Role::Dim));
    }
}

/// Draws the mean of each visible column, and returns the area below.
fn heads(buf: &mut Buffer, area: Rect, state: &State, theme: &Theme, run: &OpenRun, grid: Grid) -> Rect {
    let wide = grid.pitch.0 >= 4;
    if wide {
        buf.set_string(area.x, area.y, "mean", theme.fg(Role::Dim));
        let (unit, all) = (state.map.metric.unit(), run.shape.heads + 1);
        for column in grid.columns.0..grid.columns.0 + grid.columns.1 {
            let Some(cell) = grid.cell(grid.layers.0, column) else { continue };
            let value = mean(state, (0..run.shape.layers).map(|layer| layer * all + column));
            let (width, is_low) = (usize::from(cell.width), grid.pitch.1 == 1);
            // In a low cell the last column is that of the kind.
            let room = (width - usize::from(is_low)).min(5);
            let text = value.map_or_else(|| "·".to_owned(), |value| unit.number(value, room));
            let text = if is_low { format!("{text:>room$}") } else { centred(&text, width) };
            if cell.x > area.x + 4 {
                buf.set_string(cell.x, area.y, text, theme.fg(Role::Dim));
            }
        }
    }
    let used = if wide { 2 } else { 0 };
    Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area }
}

/// Draws the components with the highest and the lowest values, side by side.
fn extremes(buf: &mut Buffer, area: Rect, state: &State, theme: &Theme, run: &OpenRun) {
    let known: Vec<usize> =
        state.order.iter().copied().filter(|&component| state.map.values[component].is_some()).collect();
    let rows = usize::from(area.height.saturating_sub(1)).min(known.len() / 2).min(12);
    if rows < 2 {
        return;
    }
    let half = area.width / 2;
    let sides: [(&str, Vec<usize>); 2] =
        [("highest", known[..rows].to_vec()), ("lowest", known.iter().rev().take(rows).copied().collect())];
    for (index, (title, components)) in sides.into_iter().enumerate() {
        let place = Rect { x: area.x + index as u16 * half, width: half.saturating_sub(1), ..area };
        let mut lines = vec![Line::styled(title, theme.fg(Role::Dim))];
        lines.extend(components.into_iter().map(|component| line(state, theme, run, component)));
        pane::stack(buf, place, lines);
    }
}

fn line(state: &State, theme: &Theme, run: &OpenRun, component: usize) -> Line<'static> {
    let (kind, value) = (run.kind(component), state.map.values[component].unwrap_or_default());
    let role = kind.map_or(Role::Text, Theme::kind);
    vec![
        Span::styled(format!("{} ", kind.map_or(" ", glyph)), theme.bold(role)),
        Span::styled(format!("{:<9}", run.name(component).to_string()), theme.fg(Role::Text)),
        Span::styled(format!("{:>6}", state.map.metric.short(value)), theme.bold(role)),
    ]
    .into()
}
