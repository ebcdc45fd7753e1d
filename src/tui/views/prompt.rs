//! Prompt screen: edit the demonstrations and run them, and classify a text that the user types.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use crate::{
    app::{
        Action,
        state::{
            State,
            demo_editor::{EditStatus, Editor, summary},
            open_run::OpenRun,
            selection::candidates,
        },
        update::demo_editor,
    },
    text::printable,
    tui::{
        layout::{
            self, Editing, Layout, editing,
            list::{first_row, row_at},
        },
        theme::{Role, Theme},
        widgets::{field, pane, prompt_text},
    },
};

use super::{
    component_map,
    draw_context::{DrawContext, opened, popup},
    prediction::{Logits, chances, terms},
    view::{CURSOR, Target, View},
};

pub(super) const VIEW: View = View { target, wheel, ..View::new(draw, hints) };

const fn hints(_: &State) -> &'static [Action] {
    &[
        Action::Rerun,
        Action::TryText,
        Action::Later,
        Action::Earlier,
        Action::Relabel,
        Action::Swap,
        Action::Replace,
        Action::Add,
        Action::Remove,
        Action::NextSeed,
        Action::NextTemplate,
        Action::ToggleMix,
        Action::Close,
    ]
}

fn target(layout: Layout, state: &State, at: Position) -> Option<Target> {
    let editor = state.editor.as_ref()?;
    let count = editor.demos.len();
    let row = row_at(editing(layout.area, count).rows(), count, editor.at, at)?;
    Some(Target::Place(demo_editor::choose, row))
}

/// Scrolls the prompt if the pointer is over it, else moves the cursor.
fn wheel(layout: Layout, state: &State, at: Position) -> [Action; 2] {
    let on_text = |editor: &Editor| editing(layout.area, editor.demos.len()).text.contains(at);
    if state.editor.as_ref().is_some_and(on_text) { [Action::PageDown, Action::PageUp] } else { CURSOR }
}

fn draw(buf: &mut Buffer, layout: Layout, ctx: DrawContext<'_>) {
    let area = layout.area;
    let Some((run, editor)) = ctx.state.run().zip(ctx.state.editor.as_ref()) else {
        return component_map::draw_waiting(buf, layout::body(area), ctx);
    };
    let places = editing(area, editor.demos.len());
    demonstrations(buf, places, ctx, run, editor);
    text(buf, places.text, ctx, editor);
    own_text(buf, places.own, ctx, run, editor);
}

/// Draws a row per demonstration: number, edit mark, label, text, tokens.
fn demonstrations(buf: &mut Buffer, places: Editing, ctx: DrawContext<'_>, run: &OpenRun, editor: &Editor) {
    let theme = ctx.theme;
    let count = format!("{} demonstrations", editor.demos.len());
    let tokens = editor
        .answer
        .as_ref()
        .map_or_else(String::new, |answer| format!("{} of {} tokens", answer.tokens, answer.context));
    let inside = opened(buf, places.demos, theme, &count, Line::styled(tokens, theme.fg(Role::Dim)));
    let hint = Rect { y: inside.bottom().saturating_sub(1), height: inside.height.min(1), ..inside };
    let rows = places.rows();
    if editor.demos.is_empty() {
        let add = ctx.state.keymap.keys(ctx.state.key_context(), Action::Add).into_iter().next().unwrap_or_default();
        let text = format!("no demonstrations; {add} adds one");
        pane::put_at(buf, rows, 0, Line::styled(text, theme.fg(Role::Dim)));
    }
    let room = usize::from(rows.height);
    let first = first_row(editor.demos.len(), room, editor.at);
    for (row, index) in (first..editor.demos.len()).take(room).enumerate() {
        let place = Rect { y: rows.y + row as u16, height: 1, ..rows };
        demonstration(buf, place, ctx, (run, editor, index));
        if index == editor.at {
            buf.set_style(place, theme.selected());
        }
    }
    pane::scroll_cues(buf, rows, theme, (first, editor.demos.len()));
    pane::put_at(buf, hint, 0, edits(ctx, run, editor));
}

fn demonstration(
    buf: &mut Buffer,
    place: Rect,
    ctx: DrawContext<'_>,
    (run, editor, index): (&OpenRun, &Editor, usize),
) {
    let (theme, demo) = (ctx.theme, &editor.demos[index]);
    let status = editor.status(run, index);
    let (mark, role) = match status {
        EditStatus::Same => (" ", Role::Dim),
        EditStatus::Relabelled => ("≠", Role::Bad),
        EditStatus::New => ("+", Role::Accent),
    };
    let label = demo.label.as_ref().map_or_else(|| "?".to_owned(), |label| ctx.state.label_word(run, label));
    let label = pane::column(&label, 9);
    let style = if status == EditStatus::Relabelled { theme.bold(Role::Bad) } else { theme.fg(Role::Text) };
    let line = Line::from(vec![
        Span::styled(format!("{:>2} ", index + 1), theme.fg(Role::Dim)),
        Span::styled(format!("{mark} "), theme.bold(role)),
        Span::styled(format!("{label} "), style),
        Span::styled(summary(demo), theme.fg(Role::Strong)),
    ]);
    let answered = editor.answer.as_ref().filter(|answer| answer.demo_tokens.len() == editor.demos.len());
    let tokens = answered.map_or_else(String::new, |answer| format!(" {:>4}", answer.demo_tokens[index]));
    let room = place.width.saturating_sub(tokens.len() as u16);
    pane::put_at(buf, Rect { width: room, ..place }, 0, line);
    pane::put_right(buf, place, Line::styled(tokens, theme.fg(Role::Dim)));
}

/// Returns whether the demonstrations differ from the run, and the keys to run or undo the changes.
fn edits(ctx: DrawContext<'_>, run: &OpenRun, editor: &Editor) -> Line<'static> {
    let (state, theme) = (ctx.state, ctx.theme);
    if editor.demos == run.prompt.demos {
        return Line::styled("unchanged from this run", theme.fg(Role::Dim));
    }
    let run = state.key_of(Action::Rerun);
    Line::from(vec![
        Span::styled("edited: ", theme.bold(Role::Accent)),
        Span::styled(format!("{run} runs it, {} undoes a change", state.key_of(Action::Undo)), theme.fg(Role::Text)),
    ])
}

/// Draws the whole prompt as the model reads it.
fn text(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, editor: &Editor) {
    let theme = ctx.theme;
    let key = |action| ctx.state.keymap.keys(ctx.state.key_context(), action).into_iter().next().unwrap_or_default();
    let scroll = format!("{} {} scroll", key(Action::PageUp), key(Action::PageDown));
    let note = if scroll.len() > 8 { scroll } else { String::new() };
    let inside = opened(buf, area, theme, "as the model reads it", Line::styled(note, theme.fg(Role::Dim)));
    let prompt = match (&editor.answer, &editor.failure) {
        (_, Some(why)) => Err((why.clone(), Role::Alarm)),
        (Some(answer), None) => Ok(&answer.prompt),
        (None, None) if ctx.state.requested.is_none() => {
            Err(("no model is loaded: start partscope with one to edit prompts".to_owned(), Role::Dim))
        }
        (None, None) => Err(("waiting for the model".to_owned(), Role::Dim)),
    };
    match prompt {
        Ok(prompt) => prompt_text::draw(buf, inside, theme, prompt, editor.scroll),
        Err((why, role)) => {
            let lines = pane::wrap(&why, inside.width.into());
            pane::stack(buf, inside, lines.into_iter().map(|line| Line::styled(line, theme.fg(role))));
        }
    }
}

/// Draws the user's text with its prediction.
fn own_text(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, run: &OpenRun, editor: &Editor) {
    let (state, theme) = (ctx.state, ctx.theme);
    let waits = editor.is_waiting() && !editor.text.is_empty();
    let note = if waits { Line::styled("answering…", theme.bold(Role::Accent)) } else { Line::default() };
    let inside = opened(buf, area, theme, "your text", note);
    let width = usize::from(inside.width);
    if editor.text.is_empty() {
        let key = state.key_of(Action::TryText);
        let mut hints = vec![format!("{key} types a text. Model and mix classify it as you type.")];
        let fields = state.task().and_then(|task| task.test.first().map(|example| example.fields.len())).unwrap_or(1);
        if fields > 1 {
            hints.push("Fields are separated by |.".to_owned());
        }
        let lines = hints.iter().flat_map(|hint| pane::wrap(hint, width));
        let lines: Vec<Line<'_>> = lines.map(|line| Line::styled(line, theme.fg(Role::Dim))).collect();
        pane::stack(buf, inside, lines);
        return;
    }
    let text = pane::wrap(&printable(&editor.text), width);
    let text = text.into_iter().take(4).map(|line| Line::styled(line, theme.fg(Role::Strong)));
    let left = pane::stack(buf, inside, text);
    if waits {
        let text = "The answer below is for the prompt and the text as they were before.";
        let text = if editor.breakdown(run).is_some() { text } else { "waiting for the model" };
        let lines = pane::wrap(text, width);
        let lines: Vec<Line<'_>> = lines.into_iter().map(|line| Line::styled(line, theme.fg(Role::Dim))).collect();
        let below = pane::stack(buf, left, lines);
        answer(buf, below, ctx, run, editor);
        for at in left.positions() {
            buf[at].set_style(theme.fg(Role::Faint));
        }
        return;
    }
    answer(buf, left, ctx, run, editor);
}

/// Draws the prediction for the user's text.
fn answer(buf: &mut Buffer, left: Rect, ctx: DrawContext<'_>, run: &OpenRun, editor: &Editor) {
    let (theme, width) = (ctx.theme, usize::from(left.width));
    let Some(breakdown) = editor.breakdown(run) else { return };
    let left = pane::stack(buf, left, chances(theme, run, breakdown.gold, &logits(run, editor), width));
    terms(buf, left, theme, run, &breakdown);
}

/// Returns the label logits of the text under the model and under the mix of `run`.
fn logits(run: &OpenRun, editor: &Editor) -> Logits {
    let Some(table) = editor.answer.as_ref().and_then(|answer| answer.table.as_ref()) else {
        return Logits { model: Vec::new(), mix: None };
    };
    let as_f64 = |logits: &[f32]| logits.iter().map(|&logit| f64::from(logit)).collect();
    let mix = (!run.mixer.is_model()).then(|| as_f64(&run.mixer.logits(table)));
    Logits { model: as_f64(table.full()), mix }
}

/// Draws the examples of the pool to choose one from.
pub(super) fn draw_pool(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, needle: &str, at: usize, replace: bool) {
    let (state, theme) = (ctx.state, ctx.theme);
    let title = if replace { "replace with" } else { "add an example" };
    let inside = popup(buf, layout::pool(area), theme, title, Role::Accent);
    let found = candidates(state, needle);
    let count = format!("  {} in the pool", found.len());
    let room = usize::from(inside.width).saturating_sub(count.len() + 2);
    let mut line = vec![Span::styled("/ ", theme.bold(Role::Accent))];
    line.extend(field::spans(theme, needle, state.caret, room));
    line.push(Span::styled(count, theme.fg(Role::Dim)));
    let left = pane::stack(buf, inside, [line.into(), Line::default()]);
    let Some((task, run)) = state.task().zip(state.run()) else { return };
    let room = usize::from(left.height);
    let first = first_row(found.len(), room, at);
    for (row, (index, &number)) in found.iter().enumerate().skip(first).take(room).enumerate() {
        let place = Rect { y: left.y + row as u16, height: 1, ..left };
        pane::put_at(buf, place, 0, pool_line(theme, run, &task.pool[number]));
        if index == at {
            buf.set_style(place, theme.selected());
        }
    }
    pane::scroll_cues(buf, left, theme, (first, found.len()));
}

fn pool_line(theme: &Theme, run: &OpenRun, example: &crate::task::Example) -> Line<'static> {
    let label = pane::column(&run.label(example.label), 9);
    vec![
        Span::styled(format!("{label} "), theme.fg(Role::Dim)),
        Span::styled(printable(&example.summary()).into_owned(), theme.fg(Role::Text)),
    ]
    .into()
}
