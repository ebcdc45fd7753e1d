//! Matrix of all comparable open runs: correlation above the diagonal, overlap of the five best components below it,
//! accuracy on it.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use crate::{
    analysis::compare::FromMean,
    app::{
        Action,
        state::{State, metric::Metric, open_run::OpenRun},
        update::run_matrix,
    },
    text::printable,
    tui::{
        layout::{
            Layout,
            crosstab::{Crosstab, crosstab},
        },
        theme::Role,
        widgets::pane,
    },
};

use super::{
    draw_context::{DrawContext, opened, percent},
    view::{Target, View},
};

pub(super) const VIEW: View = View { target, ..View::new(draw, hints) };

const HINTS: &[Action] =
    &[Action::Open, Action::Queue, Action::NextSeed, Action::NextTemplate, Action::Runs, Action::Close];

/// Leaves out `open` if there is only one run.
const fn hints(state: &State) -> &'static [Action] {
    if state.matrix.runs.len() > 1 { HINTS } else { HINTS.split_at(1).1 }
}

fn target(layout: Layout, state: &State, at: Position) -> Option<Target> {
    let count = state.matrix.runs.len();
    let (row, column) = crosstab(layout.area, count, state.matrix.at).hit(at)?;
    Some(Target::Button(run_matrix::choose, row * count + column))
}

fn draw(buf: &mut Buffer, layout: Layout, ctx: DrawContext<'_>) {
    let area = layout.area;
    let (state, theme) = (ctx.state, ctx.theme);
    let count = state.matrix.runs.len();
    let table = crosstab(area, count, state.matrix.at);
    let seen = if table.shown == (count, count) { String::new() } else { format!("{count} runs · ") };
    let note = format!("{seen}r above, top-5 IoU below, accuracy on the diagonal");
    let inside = opened(buf, table.inner, theme, "all open runs", Line::styled(note, theme.fg(Role::Dim)));
    if count < 2 {
        return hint(buf, inside, ctx);
    }
    let runs: Vec<&OpenRun> = state.matrix.runs.iter().filter_map(|id| run(state, *id)).collect();
    let style = |here: bool| theme.bold(if here { Role::Accent } else { Role::Dim });
    for column in table.columns() {
        let head = Rect { y: inside.y, ..table.cell(table.first.0, column) };
        pane::put_at(buf, head, 0, Line::styled(format!("{:>4}", letter(column)), style(column == state.matrix.at.1)));
    }
    for (row, run) in table.rows().filter_map(|row| Some((row, runs.get(row)?))) {
        let place = Rect { x: inside.x, y: table.cell(row, table.first.1).y, width: inside.width, height: 1 };
        let here = row == state.matrix.at.0;
        pane::put_at(buf, place, 0, Line::styled(letter(row), style(here)));
        for column in table.columns() {
            cell(buf, table.cell(row, column), ctx, (row, column), &runs);
        }
        let x = table.cells.right() + 2;
        let beside = Rect { x, width: inside.right().saturating_sub(x), ..place };
        let words = theme.fg(if here { Role::Strong } else { Role::Dim });
        let named = Line::styled(name(run, state.run()), words);
        let free = usize::from(beside.width).saturating_sub(named.width() + 2);
        let mean = state.matrix.from_mean.get(row).filter(|_| count > 2).map(beside_mean);
        pane::put_at(buf, beside, 0, named);
        if let Some(mean) = mean.filter(|mean| pane::width(mean) <= free) {
            pane::put_right(buf, beside, Line::styled(mean, theme.fg(Role::Dim)));
        }
    }
    scroll_cues(buf, ctx, &table, count);
    let y = table.cells.bottom() + 1;
    let below = Rect { y, height: inside.bottom().saturating_sub(y), ..inside };
    pane::stack(buf, below, facts(ctx, &runs));
}

/// Says how many columns are hidden on the left and right, beside the letters of the columns, and how many rows above and
/// below.
fn scroll_cues(buf: &mut Buffer, ctx: DrawContext<'_>, table: &Crosstab, count: usize) {
    let (inner, cells, (row, column)) = (table.inner, table.cells, table.first);
    let cue = |text: String| Line::styled(text, ctx.theme.on(Role::Accent, Role::Background));
    let head = Rect { y: inner.y + 1, height: 1, ..inner };
    if column > 0 {
        pane::put_at(buf, head, 0, cue(format!("←{column}")));
    }
    let right = count - column - table.shown.1;
    if right > 0 {
        let beside = Rect { x: cells.right(), width: inner.right().saturating_sub(cells.right()), ..head };
        pane::put_at(buf, beside, 0, cue(format!("{right} →")));
    }
    let rows = Rect { x: inner.x, width: inner.width, ..cells };
    pane::scroll_cues(buf, rows, ctx.theme, (row, count));
}

fn run(state: &State, id: u64) -> Option<&OpenRun> {
    state.runs.iter().find(|run| run.id == id)
}

/// Returns the letters of a run: `A`, `B` … `Z`, `AA` …, in the order of the runs.
fn letter(index: usize) -> String {
    let last = char::from(b'A' + (index % 26) as u8);
    if index < 26 { last.to_string() } else { format!("{}{last}", letter(index / 26 - 1)) }
}

/// Returns a short name of a run, with its model if it differs from that of `shown`.
fn name(run: &OpenRun, shown: Option<&OpenRun>) -> String {
    let other = shown.filter(|shown| shown.model.weights_hash != run.model.weights_hash);
    let model = other.map_or_else(String::new, |_| format!("{} · ", run.model_name()));
    format!("{model}{} · {} · {} shots", printable(&run.task.template), run.demos_name(), run.prompt.shots)
}

fn cell(buf: &mut Buffer, place: Rect, ctx: DrawContext<'_>, (a, b): (usize, usize), runs: &[&OpenRun]) {
    let (state, theme) = (ctx.state, ctx.theme);
    let agreement = &state.matrix.agreement[a][b];
    let text = match () {
        () if a == b => format!("{:>5}", percent(runs[a].test.tally.full_accuracy())),
        () if a < b => agreement.pearson.map_or_else(|| "    –".to_owned(), |r| format!("{r:>5.2}")),
        () => format!("{:>5.2}", agreement.iou_top5),
    };
    let value = if a < b { agreement.pearson } else { Some(agreement.iou_top5) };
    let color = value.filter(|_| a != b).and_then(|value| Some((theme.ramp.color(value)?, theme.ramp.ink(value))));
    let style = color.map_or_else(|| theme.bold(Role::Text), |(background, ink)| Style::new().fg(ink).bg(background));
    buf.set_stringn(place.x, place.y, text, place.width.into(), style);
    if (a, b) == state.matrix.at {
        buf.set_style(place, theme.bold(Role::Accent).add_modifier(ratatui::style::Modifier::REVERSED));
    }
}

/// Describes the selected pair, and names the key that opens it.
fn facts(ctx: DrawContext<'_>, runs: &[&OpenRun]) -> Vec<Line<'static>> {
    let (state, theme) = (ctx.state, ctx.theme);
    let (a, b) = state.matrix.at;
    let (Some(first), Some(second)) = (runs.get(a), runs.get(b)) else { return Vec::new() };
    let key = state.keymap.keys(state.key_context(), Action::Open).into_iter().next().unwrap_or_default();
    let dim = |text: String| Span::styled(text, theme.fg(Role::Dim));
    let named = |index: usize, run: &OpenRun| {
        Line::from(vec![
            Span::styled(format!("{}  ", letter(index)), theme.bold(Role::Accent)),
            Span::styled(name(run, ctx.state.run()), theme.fg(Role::Text)),
            dim(format!("   {} %", percent(run.test.tally.full_accuracy()))),
        ])
    };
    if a == b {
        let others = if runs.len() > 2 { "the mean of the others" } else { "the other run" };
        let mut lines = vec![named(a, first)];
        let mean = state.matrix.from_mean.get(a);
        lines.extend(mean.map(|mean| Line::styled(against(mean, others), theme.fg(Role::Text))));
        let what = if runs.len() > 2 { Metric::VersusOthers } else { state.map.metric };
        lines.push(Line::from(dim(format!("{key} opens the map of this run: {}", what.title()))));
        return lines;
    }
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    let pair = &state.matrix.agreement[a][b];
    let bold = |text: String| Span::styled(text, theme.bold(Role::Text));
    let figures = vec![
        dim("Pearson r ".to_owned()),
        bold(number(pair.pearson)),
        dim("  Spearman ".to_owned()),
        bold(number(pair.spearman)),
        dim("  top-5 IoU ".to_owned()),
        bold(format!("{:.2}", pair.iou_top5)),
    ];
    let open = Line::from(dim(format!("{key} opens them side by side")));
    vec![named(a, first), named(b, second), figures.into(), open]
}

/// Returns how a run differs from the others, named `others`.
fn against(mean: &FromMean, others: &str) -> String {
    let r = mean.pearson.map_or_else(|| "–".to_owned(), |r| format!("{r:.2}"));
    let far = mean
        .farthest
        .map_or_else(String::new, |(component, delta)| format!("; farthest {component}, {:+.1} points", delta * 100.0));
    format!("against {others}: r {r}{far}")
}

/// Returns how a run differs from the mean of the others, beside its name: `others: r 0.56, L16.H2 +26.2`.
fn beside_mean(mean: &FromMean) -> String {
    let r = mean.pearson.map_or_else(|| "–".to_owned(), |r| format!("{r:.2}"));
    let far = mean.farthest.map_or_else(String::new, |(it, delta)| format!(", {it} {:+.1}", delta * 100.0));
    format!("others: r {r}{far}")
}

/// Explains how to open a second run.
fn hint(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let theme = ctx.theme;
    let key = |action: Action| ctx.state.key_of(action);
    let lines = [
        Line::styled("Only one run of this task is open; the matrix needs two.", theme.bold(Role::Text)),
        Line::default(),
        Line::styled(format!("{}  {}", key(Action::Queue), Action::Queue.description()), theme.fg(Role::Text)),
        Line::styled(
            format!("{}  {}", key(Action::NextTemplate), Action::NextTemplate.description()),
            theme.fg(Role::Text),
        ),
        Line::styled(format!("{}  {}", key(Action::Runs), Action::Runs.description()), theme.fg(Role::Text)),
    ];
    let middle = Rect { y: area.y + area.height / 3, height: area.height * 2 / 3, ..area };
    pane::stack(buf, middle, lines.map(Line::centered));
}
