//! The test examples: the prediction for each, and which predictions the mix flips.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use crate::{
    analysis::predict::margin,
    app::{
        Action, State,
        state::open_run::{Change, OpenRun},
        update::example_list,
    },
    attribution::Split,
    tui::{
        layout::{self, Layout, list::first_row, list_rows},
        theme::{Role, Theme},
        widgets::pane,
    },
};

use super::{
    draw_context::{DrawContext, nats},
    example, mix,
    view::{LIST, Target, View},
};

pub(super) const VIEW: View = View {
    page,
    target: |layout, state, at| target(list_rows(layout::examples(layout.area)[0], false), state, at),
    wheel: |_, _, _| LIST,
    ..View::new(draw_screen, hints)
};

/// Draws the list on the left and the selected example on the right.
fn draw_screen(buf: &mut Buffer, layout: Layout, ctx: DrawContext<'_>) {
    let [list, one] = layout::examples(layout.area);
    draw(buf, list, ctx, true);
    example::draw(buf, one, ctx);
}

const fn hints(_: &State) -> &'static [Action] {
    &[
        Action::ToggleMix,
        Action::Fit,
        Action::Filter,
        Action::FilterLabel,
        Action::Search,
        Action::FullPrompt,
        Action::ListDown,
        Action::ListUp,
        Action::Close,
    ]
}

fn page(layout: Layout, state: &State) -> u16 {
    if state.example_list.prompt.is_some() {
        return layout::body(layout.area).height / 2;
    }
    list_rows(layout::examples(layout.area)[0], false).height
}

/// Returns the example at a position of the list drawn in `rows`; positions below the last one select the last one.
pub(super) fn target(rows: Rect, state: &State, at: Position) -> Option<Target> {
    let list = &state.example_list;
    let first = first_row(list.rows.len(), rows.height.into(), list.at);
    rows.contains(at).then(|| Target::Place(example_list::choose, first + usize::from(at.y - rows.y)))
}

/// Draws the list with the selected example below it; if the list is `alone` on its screen, with column names instead.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, alone: bool) {
    let (theme, state) = (ctx.theme, ctx.state);
    let example_list = &state.example_list;
    let Some(run) = state.run() else {
        pane::open(buf, area, theme, title(ctx, None), Line::default());
        return;
    };
    let note = Line::styled(mix::accuracy_note(run), theme.bold(if run.mixer.on { Role::Accent } else { Role::Text }));
    let inside = pane::open(buf, area, theme, title(ctx, Some(run)), note);
    let columns = Columns::new(run, alone, inside.width);
    let rows = list_rows(area, !alone);
    if alone {
        pane::put_at(buf, inside, 0, columns.heads(theme));
    }
    let first = first_row(example_list.rows.len(), rows.height.into(), example_list.at);
    for (row, (index, &example)) in
        example_list.rows.iter().enumerate().skip(first).take(rows.height.into()).enumerate()
    {
        let place = Rect { y: rows.y + row as u16, height: 1, ..inside };
        pane::put_at(buf, place, 0, columns.line(theme, run, example));
        if index == example_list.at {
            buf.set_style(place, theme.selected());
        }
    }
    pane::scroll_cues(buf, rows, theme, (first, example_list.rows.len()));
    if example_list.rows.is_empty() && !run.test.tally.is_empty() {
        let (filter, reset) = (state.key_of(Action::Filter), "all");
        let why = example_list.filter.empty(!run.mixer.is_model());
        let text = format!("{why}; {filter} changes the filter, esc on the map shows {reset}");
        let lines = pane::wrap(&text, rows.width.into()).into_iter();
        pane::stack(buf, rows, lines.map(|line| Line::styled(line, theme.fg(Role::Dim))));
    }
    if let Some(&example) = example_list.rows.get(example_list.at).filter(|_| !alone) {
        let below = Rect { y: rows.bottom(), height: inside.bottom() - rows.bottom(), ..inside };
        pane::stack(buf, below, open_one(theme, run, example));
    }
}

/// Returns `examples wrong, gold music 12 /needle`.
fn title(ctx: DrawContext<'_>, run: Option<&OpenRun>) -> Line<'static> {
    let (theme, example_list) = (ctx.theme, &ctx.state.example_list);
    let needle = if example_list.needle.is_empty() { String::new() } else { format!(" /{}", example_list.needle) };
    let label = run.zip(example_list.label).map(|(run, label)| format!(", gold {}", run.label(label)));
    let filter = format!("{}{} {}", example_list.filter.title(), label.unwrap_or_default(), example_list.rows.len());
    Line::from(vec![
        Span::styled("examples ", theme.bold(Role::Text)),
        Span::styled(filter, theme.fg(Role::Dim)),
        Span::styled(needle, theme.fg(Role::Accent)),
    ])
}

/// Columns of a row: which labels it has, and their width.
struct Columns {
    label: usize,
    alone: bool,
    model: bool,
}

impl Columns {
    /// Chooses the columns. Beside the map: the current prediction; alone: gold, both predictions and the margin, as
    /// long as 16 columns remain for the text.
    fn new(run: &OpenRun, alone: bool, width: u16) -> Self {
        let longest = (0..run.shape.labels).map(|label| pane::width(&run.label(label))).max().unwrap_or(0);
        let (label, mixed) = (longest.clamp(5, 9), !run.mixer.is_model());
        let all = Self { label, alone, model: alone && mixed };
        if all.width() + 16 <= width.into() { all } else { Self { model: false, ..all } }
    }

    fn width(&self) -> usize {
        let labels = 1 + usize::from(self.alone) + usize::from(self.model);
        4 + labels * (self.label + 1) + if self.alone { 6 } else { 0 }
    }

    /// Returns the column names of a list that is alone on its screen.
    fn heads(&self, theme: &Theme) -> Line<'static> {
        let last = if self.model { "mix" } else { "pred" };
        let names = [(true, "gold"), (self.model, "model"), (true, last)];
        let labels = names.into_iter().filter(|(shown, _)| *shown);
        let labels: String = labels.map(|(_, name)| pane::column(name, self.label + 1)).collect();
        Line::styled(format!("    {labels} nats text"), theme.fg(Role::Dim))
    }

    /// Returns `✗ ▼ positive negative -1.2  two hours of rain`.
    fn line(&self, theme: &Theme, run: &OpenRun, example: usize) -> Line<'static> {
        let item = &run.test.items[example];
        let current = run.predictions(Split::Test)[example];
        let (model, mixed) = (run.test.tally.full_predictions()[example], run.test.mixed.predictions()[example]);
        let last = if self.model { mixed } else { current };
        let role = |label: usize| if label == item.gold { Role::Good } else { Role::Bad };
        let mark = if current == item.gold { "✓" } else { "✗" };
        let (flip, flip_role) = flip(run, example);
        let flipped = flip != " ";
        let word = |label: usize, style: Style| {
            Span::styled(format!("{} ", pane::column(&run.label(label), self.label)), style)
        };
        let plain = if last == item.gold { theme.fg(Role::Dim) } else { theme.fg(Role::Bad) };
        let mut spans = vec![
            Span::styled(format!("{mark} "), theme.bold(role(current))),
            Span::styled(format!("{flip} "), theme.bold(flip_role)),
        ];
        spans.extend(self.alone.then(|| word(item.gold, theme.fg(Role::Text))));
        spans.extend(self.model.then(|| word(model, theme.fg(role(model)))));
        spans.push(word(last, if flipped { theme.bold(flip_role) } else { plain }));
        if self.alone {
            let logits = current_logits(run, example);
            spans.push(Span::styled(format!("{:>5} ", nats(margin(&logits, item.gold))), theme.fg(role(current))));
        }
        spans.push(Span::styled(
            item.text.clone(),
            if flipped { theme.bold(Role::Strong) } else { theme.fg(Role::Text) },
        ));
        spans.into()
    }
}

/// Returns how the mix changes an example, if the mix is on.
fn flip(run: &OpenRun, example: usize) -> (&'static str, Role) {
    match run.change(example) {
        _ if !run.mixer.on => (" ", Role::Dim),
        Change::Same => (" ", Role::Dim),
        Change::Fixed => ("▲", Role::Good),
        Change::Broken => ("▼", Role::Bad),
        Change::Other => ("◆", Role::Biased),
    }
}

/// Returns the label logits of the mix if it is on, else of the model.
fn current_logits(run: &OpenRun, example: usize) -> Vec<f64> {
    let (split, labels) = (&run.test, run.shape.labels);
    if run.mixer.on {
        return row(split.mixed.logits(), example, labels).to_vec();
    }
    row(split.table.full(), example, labels).iter().copied().map(f64::from).collect()
}

/// Returns gold label and both predictions of one example, with the margins.
fn open_one(theme: &Theme, run: &OpenRun, example: usize) -> [Line<'static>; 2] {
    let split = &run.test;
    let item = &split.items[example];
    let labels = run.shape.labels;
    let model: Vec<f64> = row(split.table.full(), example, labels).iter().copied().map(f64::from).collect();
    let mixed = row(split.mixed.logits(), example, labels);
    let (before, now) = (split.tally.full_predictions()[example], split.mixed.predictions()[example]);
    let first = vec![
        Span::styled("gold ", theme.fg(Role::Dim)),
        Span::styled(run.label(item.gold), theme.bold(Role::Text)),
        Span::styled(format!("  {}", item.id), theme.fg(Role::Dim)),
    ];
    let was = if run.mixer.is_model() { "model " } else { "was " };
    let mut second = prediction(theme, was, &run.label(before), margin(&model, item.gold), before == item.gold);
    if !run.mixer.is_model() {
        second.extend(prediction(theme, " now ", &run.label(now), margin(mixed, item.gold), now == item.gold));
    }
    [first.into(), second.into()]
}

fn prediction(theme: &Theme, source: &'static str, label: &str, margin: f64, right: bool) -> Vec<Span<'static>> {
    let role = if right { Role::Good } else { Role::Bad };
    let label = pane::cut(label, 8);
    vec![
        Span::styled(source, theme.fg(Role::Dim)),
        Span::styled(label, theme.fg(role)),
        Span::styled(format!(" {}", nats(margin)), theme.fg(Role::Dim)),
    ]
}

fn row<T>(values: &[T], example: usize, labels: usize) -> &[T] {
    &values[example * labels..(example + 1) * labels]
}
