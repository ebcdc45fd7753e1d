//! Two runs side by side with a shared cursor, their difference, and the examples whose prediction changed.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use crate::{
    analysis::compare::Flip,
    app::{
        Action,
        state::{
            Cursor, State,
            comparison::{RunComparison, comparable},
            metric::Metric,
            open_run::OpenRun,
            scale::Scale,
        },
        update::comparison,
    },
    text::printable,
    tui::{
        layout::{
            Layout, Sides, body,
            list::{first_row, row_at},
            side_cells,
        },
        theme::{Role, Theme},
        widgets::{
            grid::Grid,
            heatmap::{Heatmap, HeatmapCell},
            legend, pane,
            scatter::Scatter,
        },
    },
};

use super::{
    component_map,
    draw_context::{DrawContext, nats, opened, percent},
    view::{CURSOR, LIST, Target, View},
};

pub(super) const VIEW: View = View { page, target, wheel, ..View::new(draw, hints) };

const fn hints(_: &State) -> &'static [Action] {
    &[
        Action::NextSeed,
        Action::NextTemplate,
        Action::OtherRun,
        Action::ListDown,
        Action::ListUp,
        Action::Best,
        Action::Close,
    ]
}

/// Returns the layout of the screen, once there is a run.
fn sides(layout: Layout, state: &State) -> Option<Sides> {
    Some(Sides::new(layout.area, state.run()?.shape))
}

fn page(layout: Layout, state: &State) -> u16 {
    sides(layout, state).map_or(1, |sides| sides.flips().height)
}

fn target(layout: Layout, state: &State, at: Position) -> Option<Target> {
    let sides = sides(layout, state)?;
    let count = state.comparison.as_ref().map_or(0, |comparison| comparison.flips.len());
    let flip = row_at(sides.flips(), count, state.flip, at).map(|row| Target::Place(comparison::choose, row));
    flip.or_else(|| sides.maps.into_iter().find_map(|map| component_map::target(side_cells(map), state, at)))
}

fn wheel(layout: Layout, state: &State, at: Position) -> [Action; 2] {
    if sides(layout, state).is_some_and(|sides| sides.facts.contains(at)) { LIST } else { CURSOR }
}

fn draw(buf: &mut Buffer, layout: Layout, ctx: DrawContext<'_>) {
    let (area, state) = (layout.area, ctx.state);
    let (Some(a), Some(b)) = (state.other_run(), state.run()) else { return draw_hint(buf, area, ctx) };
    if !comparable(a, b) {
        return draw_hint(buf, area, ctx);
    }
    let sides = Sides::new(area, b.shape);
    let accuracy = Metric::Accuracy.scale(b.shape.labels, &[]);
    for (run, place, letter) in [(a, sides.maps[0], "A"), (b, sides.maps[1], "B")] {
        let title = format!("{letter} {}", name(run, a, b));
        let note = format!("{} %", percent(run.test.tally.full_accuracy()));
        let cell = |c: usize| HeatmapCell { value: run.test.tally.accuracy(c), kind: run.kind(c), mark: None };
        draw_side(buf, place, ctx, (&title, note), b, (Metric::Accuracy, accuracy), cell);
    }
    let Some(comparison) = &state.comparison else {
        opened(buf, sides.maps[2], ctx.theme, "B − A when both are complete", Line::default());
        return;
    };
    let values: Vec<Option<f64>> = comparison.change.iter().copied().map(Some).collect();
    let scale = Metric::Change.scale(b.shape.labels, &values);
    let cell = |c: usize| HeatmapCell { value: values[c], ..HeatmapCell::default() };
    draw_side(buf, sides.maps[2], ctx, ("B − A", "points".to_owned()), b, (Metric::Change, scale), cell);
    draw_scatter(buf, sides.scatter, ctx, a, b);
    draw_facts(buf, sides.facts, ctx, comparison, (a, b));
}

/// Returns a name for `run` made of what differs between the two runs.
fn name(run: &OpenRun, a: &OpenRun, b: &OpenRun) -> String {
    let (task, prompt) = (&run.task, &run.prompt);
    let mut words = Vec::new();
    if a.model.weights_hash != b.model.weights_hash {
        words.push(run.model_name());
    }
    if a.task.template != b.task.template {
        words.push(printable(&task.template).into_owned());
    }
    if a.prompt.shots != b.prompt.shots {
        words.push(format!("{} shots", prompt.shots));
    }
    if a.demos_name() != b.demos_name() || words.is_empty() {
        words.push(run.demos_name());
    }
    words.join(" · ")
}

fn draw_side(
    buf: &mut Buffer,
    area: Rect,
    ctx: DrawContext<'_>,
    (title, note): (&str, String),
    run: &OpenRun,
    (metric, scale): (Metric, Scale),
    cell: impl Fn(usize) -> HeatmapCell,
) {
    let theme = ctx.theme;
    opened(buf, area, theme, title, Line::styled(note, theme.bold(Role::Text)));
    let (shape, at) = (run.shape, ctx.state.cursor);
    let cursor = Cursor { layer: at.layer.min(shape.layers - 1), column: at.column.min(shape.heads) };
    let grid = Grid::fit(side_cells(area), shape, cursor);
    (&Heatmap { grid, metric, scale, cell, cursor, theme }).render(area, buf);
    let below = Rect { y: area.bottom() - 1, height: 1, ..area };
    let row = Rect { y: (grid.area.y + grid.height()).min(below.y), ..below };
    pane::put_at(buf, row, 0, legend::scale_line(theme, metric, scale, area.width, grid.pitch.0 < 3));
}

fn draw_scatter(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, a: &OpenRun, b: &OpenRun) {
    let theme = ctx.theme;
    let note = Line::styled("0 to 100 %", theme.fg(Role::Dim));
    let inside = opened(buf, area, theme, "B against A", note);
    let accuracy = |run: &OpenRun, c| run.test.tally.accuracy(c).unwrap_or(0.0);
    let points: Vec<(f64, f64)> = (0..b.shape.components()).map(|c| (accuracy(a, c), accuracy(b, c))).collect();
    Scatter { points: &points, chosen: ctx.state.selected() }.draw(buf, inside, theme);
}

fn draw_facts(
    buf: &mut Buffer,
    area: Rect,
    ctx: DrawContext<'_>,
    comparison: &RunComparison,
    (a, b): (&OpenRun, &OpenRun),
) {
    let theme = ctx.theme;
    let inside = opened(buf, area, theme, "agreement of the components", Line::default());
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    let agreement = &comparison.agreement;
    let dim = |text: &str| Span::styled(text.to_owned(), theme.fg(Role::Dim));
    let bold = |text: String| Span::styled(text, theme.bold(Role::Text));
    let first = vec![
        dim("Pearson r "),
        bold(number(agreement.pearson)),
        dim("  Spearman "),
        bold(number(agreement.spearman)),
        dim("  top-5 IoU "),
        bold(format!("{:.2}", agreement.iou_top5)),
    ];
    let left = pane::stack(buf, inside, [Line::from(first), selected(theme, ctx.state, a, b)]);
    let count = format!("{} of {}", comparison.flips.len(), comparison.shared);
    let left = opened(buf, left, theme, "flipped examples, A → B", Line::styled(count, theme.fg(Role::Dim)));
    draw_flips(buf, left, ctx, comparison, (a, b));
}

/// Returns the accuracies of the selected component in both runs.
fn selected(theme: &Theme, state: &State, a: &OpenRun, b: &OpenRun) -> Line<'static> {
    let Some(component) = state.selected() else { return Line::default() };
    let accuracy = |run: &OpenRun| run.test.tally.accuracy(component);
    let change = accuracy(b).zip(accuracy(a)).map_or(0.0, |(b, a)| (b - a) * 100.0);
    let role = if change < 0.0 { Role::Bad } else { Role::Good };
    vec![
        Span::styled(format!("{}  ", b.name(component)), theme.bold(Role::Accent)),
        Span::styled(format!("A {} %  B {} %  ", percent(accuracy(a)), percent(accuracy(b))), theme.fg(Role::Text)),
        Span::styled(format!("{change:+.1}"), theme.bold(role)),
    ]
    .into()
}

/// Draws the flipped examples, and the components that moved the margin of the selected one.
fn draw_flips(
    buf: &mut Buffer,
    area: Rect,
    ctx: DrawContext<'_>,
    comparison: &RunComparison,
    (a, b): (&OpenRun, &OpenRun),
) {
    let (theme, at) = (ctx.theme, ctx.state.flip);
    let rows = usize::from(area.height.saturating_sub(1));
    let first = first_row(comparison.flips.len(), rows, at);
    for (row, (index, flip)) in comparison.flips.iter().enumerate().skip(first).take(rows).enumerate() {
        let place = Rect { y: area.y + row as u16, height: 1, ..area };
        let text = a.test.items.iter().find(|item| item.id == flip.id).map_or("", |item| item.text.as_str());
        pane::put_at(buf, place, 0, flip_line(theme, (a, b), flip, text));
        if index == at {
            buf.set_style(place, theme.selected());
        }
    }
    if let Some(flip) = comparison.flips.get(at) {
        let below = Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area };
        pane::put_at(buf, below, 0, movers(theme, flip));
    }
}

/// Returns `✓→✗ positive→negative  text`, with the label names of each run.
fn flip_line(theme: &Theme, (a, b): (&OpenRun, &OpenRun), flip: &Flip, text: &str) -> Line<'static> {
    let mark = |predicted: usize| if predicted == flip.gold { ("✓", Role::Good) } else { ("✗", Role::Bad) };
    let ((before, role_a), (after, role_b)) = (mark(flip.a), mark(flip.b));
    let label = |run: &OpenRun, index| pane::cut(&run.label(index), 8);
    vec![
        Span::styled(before, theme.bold(role_a)),
        Span::styled("→", theme.fg(Role::Dim)),
        Span::styled(after, theme.bold(role_b)),
        Span::styled(
            format!(" {} ", pane::column(&format!("{}→{}", label(a, flip.a), label(b, flip.b)), 17)),
            theme.fg(Role::Dim),
        ),
        Span::styled(text.to_owned(), theme.fg(Role::Text)),
    ]
    .into()
}

fn movers(theme: &Theme, flip: &Flip) -> Line<'static> {
    let mut spans = vec![Span::styled("moved by ", theme.fg(Role::Dim))];
    for moved in &flip.components {
        let role = if moved.delta < 0.0 { Role::Bad } else { Role::Good };
        spans.push(Span::styled(format!("{} ", moved.component), theme.fg(Role::Text)));
        spans.push(Span::styled(format!("{}  ", nats(moved.delta)), theme.fg(role)));
    }
    spans.into()
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
