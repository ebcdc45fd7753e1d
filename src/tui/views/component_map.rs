//! Pane with the map of components.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use crate::{
    app::{
        Action, State,
        state::{Cursor, Phase, open_run::OpenRun},
    },
    component::Shape,
    tui::{
        layout::map_cells,
        theme::{Role, kind_name},
        widgets::{
            grid::Grid,
            heatmap::{Heatmap, HeatmapCell},
            legend,
            minimap::Minimap,
            pane,
        },
    },
};

use super::{
    draw_context::{DrawContext, opened},
    map_margins, status,
    view::Target,
};

/// Draws the map with its title and legend, or what it waits for.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let (state, theme) = (ctx.state, ctx.theme);
    let Some(run) = state.run() else { return draw_waiting(buf, area, ctx) };
    let shape = run.shape;
    let (grid, minimap) = Minimap::beside(map_cells(area), shape, state.cursor, state.zoomed);
    let mut note = format!("{}{} layers × {} heads", scrolled(&grid, shape), shape.layers, shape.heads);
    if let Some(sweep) = run.results.sweep.as_ref().filter(|_| state.map.metric.is_effect()) {
        let (done, begun) = (sweep.done(), sweep.begun());
        let known = if done == begun { done.to_string() } else { format!("{done}–{begun}") };
        note = format!("{} · {known} of {}", sweep.ablation.short(), sweep.examples);
    }
    if !state.marks.is_empty() {
        note = format!("{} marked · {note}", state.marks.len());
    }
    opened(buf, area, theme, &title(state), Line::styled(note, theme.fg(Role::Dim)));
    let cursor =
        Cursor { layer: state.cursor.layer.min(shape.layers - 1), column: state.cursor.column.min(shape.heads) };
    let cell = |component: usize| cell(state, run, component);
    let unit = state.map.metric.unit();
    let map = Heatmap { grid, unit, scale: state.map.scale, cell, has_signs: true, cursor, theme };
    (&map).render(area, buf);
    let below = Rect { y: (grid.area.y + grid.height()).min(area.bottom() - 3), height: 3, ..area };
    let shown = (0..shape.components()).filter(|&component| state.shows(component));
    let marks: Vec<char> = shown.filter_map(|component| mark(state, run, component)).collect();
    legend::draw(buf, below, theme, run, (state.map.metric, state.map.scale, grid.pitch.0 < 3), &marks);
    map_margins::draw(buf, Rect { width: grid.area.right() - area.x, ..area }, ctx, run, grid);
    if let Some(minimap) = minimap {
        minimap.draw(buf, theme, (&state.map.values, state.map.scale), &grid, cursor);
    }
}

/// Returns the component at a position of a map drawn in `cells`.
pub(super) fn target(cells: Rect, state: &State, at: Position) -> Option<Target> {
    let shape = state.run()?.shape;
    let (grid, minimap) = Minimap::beside(cells, shape, state.cursor, state.zoomed);
    let on_map = grid.hit(at).map(|(layer, column)| layer * (shape.heads + 1) + column);
    let component = on_map.or_else(|| minimap?.hit(at))?;
    Some(Target::Place(State::select, component))
}

/// Returns the quantity that is shown, and the kind it is restricted to.
pub(super) fn title(state: &State) -> String {
    let only = state.kinds.map_or_else(String::new, |kind| format!(", {} only", kind_name(kind)));
    format!("{}{only}", state.map.metric.title())
}

fn cell(state: &State, run: &OpenRun, component: usize) -> HeatmapCell {
    if !state.shows(component) {
        return HeatmapCell::default();
    }
    let value = state.map.values.get(component).copied().flatten();
    HeatmapCell { value, kind: run.kind(component), mark: mark(state, run, component) }
}

/// Returns the mark of a component: solo, muted or marked.
fn mark(state: &State, run: &OpenRun, component: usize) -> Option<char> {
    let [(muted, _), (solo, _), (marked, _)] = legend::MARKS;
    match () {
        () if run.mixer.is_solo(component) => Some(solo),
        () if run.mixer.is_muted(component) => Some(muted),
        () if state.marks.contains(&component) => Some(marked),
        () => None,
    }
}

/// Returns how many layers and heads are hidden, and in which direction: `↑2 ↓6 →3 `.
pub(super) fn scrolled(grid: &Grid, shape: Shape) -> String {
    let (layers, columns) = (grid.layers, grid.columns);
    let hidden = [
        ("↑", shape.layers - layers.0 - layers.1),
        ("↓", layers.0),
        ("←", columns.0),
        ("→", shape.heads + 1 - columns.0 - columns.1),
    ];
    let shown = hidden.into_iter().filter(|(_, count)| *count > 0);
    shown.fold(String::new(), |text, (arrow, count)| format!("{text}{arrow}{count} "))
}

/// Draws an empty pane that says what it waits for.
pub(super) fn draw_waiting(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let theme = ctx.theme;
    opened(buf, area, theme, "components", Line::default());
    let text = match &ctx.state.phase {
        Phase::Loading(model) => format!("loading {model}"),
        Phase::Failed(_) => "nothing to show".to_owned(),
        Phase::Stopped => format!("stopped; {} starts again", ctx.state.key_of(Action::Rerun)),
        _ => "building the prompts".to_owned(),
    };
    let busy = ctx.state.phase.is_busy();
    let spinner = if busy { status::spinner(ctx.tick) } else { " " };
    let line = Line::from(vec![
        Span::styled(format!("{spinner} "), theme.bold(Role::Accent)),
        Span::styled(text, theme.fg(Role::Text)),
    ]);
    let middle = Rect { y: area.y + area.height / 2, height: 1, ..area };
    pane::put_at(buf, middle, 0, line.centered());
}
