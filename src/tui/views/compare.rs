//! Two runs with a shared cursor: maps, ranking or scatter on the left, and on the right what differs and why.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use crate::{
    app::{
        Action,
        state::{
            Cursor, State,
            cell_number::Unit,
            comparison::{ComparisonView, Quantities, RunComparison, comparable},
            open_run::OpenRun,
            scale::Scale,
        },
        update::comparison,
    },
    attribution::Split,
    tui::{
        layout::{
            Layout, body,
            compare::{Sides, side_cells},
            list::{first_row, row_at},
        },
        theme::{Role, Theme, glyph},
        widgets::{
            grid::Grid,
            heatmap::{Heatmap, HeatmapCell},
            legend, pane,
            scatter::Scatter,
        },
    },
};

use super::{
    comparison_facts, component_map,
    draw_context::{DrawContext, opened, percent},
    view::{CURSOR, LIST, Target, View},
};

pub(super) const VIEW: View = View { page, target, wheel, ..View::new(draw, hints) };

const fn hints(_: &State) -> &'static [Action] {
    &[
        Action::ChooseOther,
        Action::SwapRuns,
        Action::Ranking,
        Action::Metric,
        Action::Best,
        Action::ListDown,
        Action::ApplyOtherMix,
        Action::ToggleMix,
        Action::NextSeed,
        Action::NextTemplate,
        Action::Close,
    ]
}

/// Returns the layout of the screen, once there is a run.
fn sides(layout: Layout, state: &State) -> Option<Sides> {
    let demos = state.comparison.as_ref().map_or(0, |comparison| comparison.demos.len());
    Some(Sides::new(layout.area, state.run()?.shape, state.comparison_view, demos))
}

fn page(layout: Layout, state: &State) -> u16 {
    sides(layout, state).map_or(1, |sides| sides.flips().height)
}

fn target(layout: Layout, state: &State, at: Position) -> Option<Target> {
    let (sides, comparison) = (sides(layout, state)?, state.comparison.as_ref()?);
    let quantities = &comparison.quantities;
    let flip = row_at(sides.flips(), comparison.flips.len(), state.flip, at);
    let flip = flip.map(|row| Target::Place(comparison::choose, row));
    let on_map = || sides.maps.iter().find_map(|map| component_map::target(side_cells(*map), state, at));
    let ranked = || {
        let rows = ranking_rows(sides.ranking?);
        let row = row_at(rows, quantities.ranks.len(), rank(state, quantities), at)?;
        Some(Target::Place(State::select, *quantities.ranks.get(row)?))
    };
    let plotted = || {
        let plot = Scatter::plot(inside(sides.scatter?));
        let (points, components) = points(quantities);
        let nearest = Scatter { points: &points, chosen: None }.nearest(plot, at)?;
        Some(Target::Place(State::select, components[nearest]))
    };
    flip.or_else(on_map).or_else(ranked).or_else(plotted)
}

fn wheel(layout: Layout, state: &State, at: Position) -> [Action; 2] {
    if sides(layout, state).is_some_and(|sides| sides.flips_pane.contains(at)) { LIST } else { CURSOR }
}

fn draw(buf: &mut Buffer, layout: Layout, ctx: DrawContext<'_>) {
    let (area, state) = (layout.area, ctx.state);
    let (Some(a), Some(b)) = (state.other_run(), state.run()) else { return draw_hint(buf, area, ctx) };
    if !comparable(a, b) {
        return draw_hint(buf, area, ctx);
    }
    let (Some(sides), Some(comparison)) = (sides(layout, state), &state.comparison) else {
        let inner = body(area);
        opened(buf, inner, ctx.theme, "compared when both runs are complete", Line::default());
        return;
    };
    let quantities = &comparison.quantities;
    draw_maps(buf, &sides.maps, ctx, quantities, (a, b));
    if let Some(place) = sides.ranking {
        draw_ranking(buf, place, ctx, comparison, b);
    }
    if let Some(place) = sides.scatter {
        draw_scatter(buf, place, ctx, quantities);
    }
    comparison_facts::draw(buf, &sides, ctx, comparison, (a, b));
}

/// Draws the maps of both runs and their difference, or of the difference alone.
fn draw_maps(
    buf: &mut Buffer,
    maps: &[Rect],
    ctx: DrawContext<'_>,
    quantities: &Quantities,
    (a, b): (&OpenRun, &OpenRun),
) {
    let (title, unit) = (quantities.metric.title(), quantities.metric.unit());
    if let &[left, right, _] = maps {
        for (run, place, letter, side) in [(a, left, "A", 0), (b, right, "B", 1)] {
            let title = format!("{letter} {title}");
            let values = &quantities.sides[side];
            let cell = |c: usize| HeatmapCell { value: values[c], kind: run.kind(c), mark: None };
            let note = format!("{} %", percent(run.accuracy(Split::Test)));
            draw_side(buf, place, ctx, (&title, note), b, (unit, true, quantities.scale), cell);
        }
    }
    if let Some(&place) = maps.last() {
        let cell = |c: usize| HeatmapCell { value: quantities.change[c], ..HeatmapCell::default() };
        let unit = quantities.metric.change_unit();
        let title = format!("B − A, {title}");
        draw_side(buf, place, ctx, (&title, unit.name().to_owned()), b, (unit, false, quantities.change_scale), cell);
    }
}

fn draw_side(
    buf: &mut Buffer,
    area: Rect,
    ctx: DrawContext<'_>,
    (title, note): (&str, String),
    run: &OpenRun,
    (unit, has_signs, scale): (Unit, bool, Scale),
    cell: impl Fn(usize) -> HeatmapCell,
) {
    let theme = ctx.theme;
    let (shape, at) = (run.shape, ctx.state.cursor);
    let cursor = Cursor { layer: at.layer.min(shape.layers - 1), column: at.column.min(shape.heads) };
    let grid = Grid::fit(side_cells(area), shape, cursor);
    let note = format!("{}{note}", component_map::scrolled(&grid, shape));
    opened(buf, area, theme, title, Line::styled(note, theme.bold(Role::Text)));
    (&Heatmap { grid, unit, scale, cell, has_signs, cursor, theme }).render(area, buf);
    let below = Rect { y: area.bottom() - 1, height: 1, ..area };
    let row = Rect { y: (grid.area.y + grid.height()).min(below.y), ..below };
    let neutral = if unit.is_signed() { "0: no change" } else { "" };
    pane::put_at(buf, row, 0, legend::scale_line(theme, (unit, neutral), scale, area.width, grid.pitch.0 < 3));
}

/// Returns the rows of the ranking: below its title and its heading.
fn ranking_rows(area: Rect) -> Rect {
    Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area }
}

/// Returns the row of the cursor in the ranking.
fn rank(state: &State, quantities: &Quantities) -> usize {
    let selected = state.selected();
    quantities.ranks.iter().position(|&component| Some(component) == selected).unwrap_or(0)
}

/// Draws the components by the size of their change, with their mean pull on the flipped examples.
fn draw_ranking(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, comparison: &RunComparison, b: &OpenRun) {
    let (state, theme, quantities) = (ctx.state, ctx.theme, &comparison.quantities);
    let title = format!("ranked by |B − A|, {}", quantities.metric.title());
    let inside = opened(buf, area, theme, &title, Line::default());
    let heads = format!("     {:<9}{:>6}{:>6}{:>7}  {:>9}", "", "A", "B", "B − A", "flips");
    pane::put_at(buf, inside, 0, Line::styled(heads, theme.fg(Role::Dim)));
    let (rows, at) = (ranking_rows(area), rank(state, quantities));
    let first = first_row(quantities.ranks.len(), rows.height.into(), at);
    for (row, (index, &component)) in
        quantities.ranks.iter().enumerate().skip(first).take(rows.height.into()).enumerate()
    {
        let place = Rect { y: rows.y + row as u16, height: 1, ..rows };
        pane::put_at(buf, place, 0, rank_line(theme, comparison, b, (index, component)));
        if index == at {
            buf.set_style(place, theme.selected());
        }
    }
    pane::scroll_cues(buf, rows, theme, (first, quantities.ranks.len()));
}

fn rank_line(
    theme: &Theme,
    comparison: &RunComparison,
    b: &OpenRun,
    (rank, component): (usize, usize),
) -> Line<'static> {
    let quantities = &comparison.quantities;
    let name = b.name(component);
    let number = |unit: Unit, value: Option<f64>, width: usize| {
        value.map_or_else(|| "·".to_owned(), |value| unit.number(value, width))
    };
    let [a_value, b_value] = [0, 1].map(|side| number(quantities.metric.unit(), quantities.sides[side][component], 5));
    let change = quantities.change[component];
    let changed = number(quantities.metric.change_unit(), change, 6);
    let movers = comparison.movers.iter().flat_map(|movers| &movers.components);
    let pull = movers.into_iter().find(|mover| mover.component == name).map(|mover| mover.pull.mean);
    let pull = pull.map_or_else(String::new, |pull| format!("{pull:+.2}"));
    let role = if change.unwrap_or_default() < 0.0 { Role::Bad } else { Role::Good };
    let kind = b.kind(component);
    vec![
        Span::styled(format!("{:>3} ", rank + 1), theme.fg(Role::Faint)),
        Span::styled(format!("{} ", kind.map_or(" ", glyph)), theme.bold(kind.map_or(Role::Dim, Theme::kind))),
        Span::styled(format!("{:<8}", name.to_string()), theme.fg(Role::Text)),
        Span::styled(format!("{a_value:>6}{b_value:>6}"), theme.fg(Role::Text)),
        Span::styled(format!("{changed:>7}"), theme.bold(role)),
        Span::styled(format!("  {pull:>9}"), theme.fg(Role::Dim)),
    ]
    .into()
}

/// Returns the points of the scatter, scaled to the unit square, and their components.
fn points(quantities: &Quantities) -> (Vec<(f64, f64)>, Vec<usize>) {
    let Scale { low, high, .. } = quantities.scale;
    let share = |value: f64| (value - low) / (high - low).max(f64::MIN_POSITIVE);
    let [a, b] = &quantities.sides;
    let known = a.iter().zip(b).enumerate();
    let known = known.filter_map(|(index, (a, b))| Some(((share((*a)?), share((*b)?)), index)));
    known.unzip()
}

/// Returns the area below the title of a pane.
const fn inside(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

fn draw_scatter(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, quantities: &Quantities) {
    let theme = ctx.theme;
    let title = format!("B against A, {}", quantities.metric.title());
    let step = if ctx.state.comparison_view == ComparisonView::Scatter { "h j k l step" } else { "" };
    let place = opened(buf, area, theme, &title, Line::styled(step, theme.fg(Role::Dim)));
    let (points, components) = points(quantities);
    let chosen = ctx.state.selected().and_then(|selected| components.iter().position(|&it| it == selected));
    let unit = quantities.metric.unit();
    let ends = [quantities.scale.low, quantities.scale.high].map(|end| unit.number(end, 5));
    Scatter { points: &points, chosen }.draw_with_axes(buf, place, theme, (&ends, unit.name()));
}

/// Explains how to open a second run.
fn draw_hint(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let theme = ctx.theme;
    let body = body(area);
    let inside = opened(buf, Rect { x: body.x + 1, width: body.width - 2, ..body }, theme, "compare", Line::default());
    let hint = |action: Action| {
        let text = format!("{}  {}", ctx.state.key_of(action), action.description());
        Line::styled(text, theme.fg(Role::Text))
    };
    let lines = [
        Line::styled("Only one run of this task is open; comparing needs two.", theme.bold(Role::Text)),
        Line::default(),
        hint(Action::NextSeed),
        hint(Action::NextTemplate),
        hint(Action::Runs),
    ];
    let middle = Rect { y: inside.y + inside.height / 3, height: inside.height * 2 / 3, ..inside };
    pane::stack(buf, middle, lines.map(Line::centered));
}
