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
            comparison::{ComparisonView, Quantities, RunComparison},
            open_run::OpenRun,
            scale::Scale,
        },
        update::comparison,
    },
    attribution::Split,
    text::signed,
    tui::{
        layout::{
            Layout, body,
            compare::{Sides, is_tall, side_cells},
            list::{rank_at, row_at},
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
    ranking,
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
    let on_map = || sides.maps.iter().find_map(|map| side_target(side_cells(*map), state, at));
    let ranked = || {
        let rows = ranking_rows(sides.ranking?);
        let row = rank_at(rows, quantities.ranks.len(), rank(state, quantities), at)?;
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

/// Returns the component at a position of a map drawn in `cells`.
fn side_target(cells: Rect, state: &State, at: Position) -> Option<Target> {
    let shape = state.run()?.shape;
    let (layer, column) = Grid::view(cells, shape, state.cursor, state.zoomed).hit(at)?;
    Some(Target::Place(State::select, layer * (shape.heads + 1) + column))
}

fn wheel(layout: Layout, state: &State, at: Position) -> [Action; 2] {
    if sides(layout, state).is_some_and(|sides| sides.flips_pane.contains(at)) { LIST } else { CURSOR }
}

fn draw(buf: &mut Buffer, layout: Layout, ctx: DrawContext<'_>) {
    let (area, state) = (layout.area, ctx.state);
    let (Some(a), Some(b)) = (state.other_run(), state.run()) else { return draw_hint(buf, area, ctx) };
    let (Some(sides), Some(comparison)) = (sides(layout, state), &state.comparison) else {
        let inner = body(area);
        opened(buf, inner, ctx.theme, "compared when both runs are complete", Line::default());
        return;
    };
    draw_maps(buf, &sides, ctx, comparison, (a, b));
    if let Some(place) = sides.ranking {
        draw_ranking(buf, place, ctx, comparison, b);
    }
    if let Some(place) = sides.scatter {
        draw_scatter(buf, place, ctx, comparison);
    }
    comparison_facts::draw(buf, &sides, ctx, comparison, (a, b));
}

/// Returns the note of a pane on the left: `text`, and on short screens, where the right side has no room for it, the
/// correlation of the accuracies.
fn note(ctx: DrawContext<'_>, area: Rect, comparison: &RunComparison, text: &str) -> Line<'static> {
    let r = comparison.agreement.pearson.filter(|_| !is_tall(area));
    let r = r.map_or_else(String::new, |r| format!("r {r:.2} · "));
    Line::styled(format!("{r}{text}"), ctx.theme.fg(Role::Dim))
}

/// Draws the maps of both runs and their difference, or of the difference alone.
fn draw_maps(
    buf: &mut Buffer,
    sides: &Sides,
    ctx: DrawContext<'_>,
    comparison: &RunComparison,
    (a, b): (&OpenRun, &OpenRun),
) {
    let (maps, quantities) = (&sides.maps, &comparison.quantities);
    let (title, unit) = (quantities.metric.title(), quantities.metric.unit());
    if let [left, right, _] = maps[..] {
        for (run, place, letter, side) in [(a, left, "A", 0), (b, right, "B", 1)] {
            let title = format!("{letter} {title}");
            let values = &quantities.sides[side];
            let cell = |c: usize| HeatmapCell { value: values[c], kind: run.kind(c), mark: None };
            let note = format!("{} % of {}", percent(run.accuracy(Split::Test)), run.test.items.len());
            draw_side(buf, place, ctx, (&title, note), b, (unit, true, quantities.scale), cell);
        }
    }
    if let Some(&place) = maps.last() {
        let cell = |c: usize| HeatmapCell { value: quantities.change[c], ..HeatmapCell::default() };
        let unit = quantities.metric.change_unit();
        let title = format!("B − A, {title}");
        let note = note(ctx, sides.area, comparison, unit.name()).to_string();
        draw_side(buf, place, ctx, (&title, note), b, (unit, false, quantities.change_scale), cell);
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
    let grid = Grid::view(side_cells(area), shape, cursor, ctx.state.zoomed);
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
    let inside = opened(buf, area, theme, &title, note(ctx, area, comparison, "pull in nats"));
    let heads = format!("    {:<10}{:>5}{:>6}{:>7}{:>6}", "", "A", "B", "B − A", "pull");
    pane::put_at(buf, inside, 0, Line::styled(heads, theme.fg(Role::Dim)));
    let (rows, at) = (ranking_rows(area), rank(state, quantities));
    ranking::rows_of_ranking(buf, rows, theme, (quantities.ranks.len(), at), |rank| {
        rank_line(theme, comparison, b, (rank, quantities.ranks[rank]))
    });
}

fn rank_line(
    theme: &Theme,
    comparison: &RunComparison,
    b: &OpenRun,
    (rank, component): (usize, usize),
) -> Line<'static> {
    let quantities = &comparison.quantities;
    let name = b.name(component);
    let number = |unit: Unit, value: Option<f64>| value.map_or_else(|| "·".to_owned(), |value| tenths(unit, value));
    let [a_value, b_value] = [0, 1].map(|side| number(quantities.metric.unit(), quantities.sides[side][component]));
    let change = quantities.change[component];
    let unit = quantities.metric.change_unit();
    let changed = change.map_or_else(|| "·".to_owned(), |change| with_sign(unit, change));
    let movers = comparison.movers.iter().flat_map(|movers| &movers.components);
    let pull = movers.into_iter().find(|mover| mover.component == name).map(|mover| mover.pull.mean);
    let pull = pull.map_or_else(String::new, |pull| format!("{pull:+.2}"));
    let role = if change.unwrap_or_default() < 0.0 { Role::Bad } else { Role::Good };
    let kind = b.kind(component);
    vec![
        Span::styled(format!("{:>3} ", rank + 1), theme.fg(Role::Faint)),
        Span::styled(format!("{} ", kind.map_or(" ", glyph)), theme.bold(kind.map_or(Role::Dim, Theme::kind))),
        Span::styled(format!("{:<8}", name.to_string()), theme.fg(Role::Text)),
        Span::styled(format!("{a_value:>5}{b_value:>6}"), theme.fg(Role::Text)),
        Span::styled(format!("{changed:>7}"), theme.bold(role)),
        Span::styled(format!("{pull:>6}"), theme.fg(Role::Dim)),
    ]
    .into()
}

/// Formats a value for a list, so that the difference of two shown values is the shown difference but for rounding.
fn tenths(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Percent => format!("{:.1}", value * 100.0),
        Unit::Points => signed(value * 100.0, 1),
        Unit::Nats | Unit::Factor => unit.number(value, 5),
    }
}

/// Formats a change for a list; zero has no sign.
fn with_sign(unit: Unit, change: f64) -> String {
    let text = tenths(unit, change);
    let is_rise = change > 0.0 && text.starts_with(|first: char| first == '.' || ('1'..='9').contains(&first));
    if is_rise { format!("+{text}") } else { text }
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

fn draw_scatter(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, comparison: &RunComparison) {
    let (theme, quantities) = (ctx.theme, &comparison.quantities);
    let title = format!("B against A, {}", quantities.metric.title());
    let is_whole = ctx.state.comparison_view == ComparisonView::Scatter;
    let note = if is_whole { note(ctx, area, comparison, "h j k l step") } else { Line::default() };
    let place = opened(buf, area, theme, &title, note);
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
