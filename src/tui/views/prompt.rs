//! The demonstrations of the prompt, to be edited and run again, and a text of one's own.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::{
        Action,
        state::{
            State,
            demo_editor::{Editor, Fate, summary},
            open_run::Sheet,
            selection::candidates,
        },
    },
    text::printable,
    tui::{
        layout::{self, Editing, editing, mixer::first_row},
        theme::{Role, Theme},
        widgets::{field, pane, prompt_text},
    },
};

use super::{
    prediction::{Logits, chances, terms},
    scene::{Scene, opened, sheet_of_paper},
};

/// The screen between header and status line.
pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let Some((sheet, editor)) = scene.state.sheet().zip(scene.state.editor.as_ref()) else {
        return super::map::draw_waiting(buf, super::layout::body(area), scene);
    };
    let places = editing(area, editor.demos.len());
    demonstrations(buf, places, scene, sheet, editor);
    text(buf, places.text, scene, editor);
    own(buf, places.own, scene, sheet, editor);
}

/// A row a demonstration: number, label, what became of it, text, tokens.
fn demonstrations(buf: &mut Buffer, places: Editing, scene: Scene<'_>, sheet: &Sheet, editor: &Editor) {
    let theme = scene.theme;
    let count = format!("{} demonstrations", editor.demos.len());
    let tokens = editor
        .answer
        .as_ref()
        .map_or_else(String::new, |answer| format!("{} of {} tokens", answer.tokens, answer.context));
    let inside = opened(buf, places.demos, theme, &count, Line::styled(tokens, theme.fg(Role::Dim)));
    let hint = Rect { y: inside.bottom().saturating_sub(1), height: inside.height.min(1), ..inside };
    let rows = places.rows();
    if editor.demos.is_empty() {
        let add = scene.state.keymap.keys(scene.state.place(), Action::Add).into_iter().next().unwrap_or_default();
        let text = format!("the prompt has no demonstration; {add} adds one");
        pane::put_at(buf, rows, 0, Line::styled(text, theme.fg(Role::Dim)));
    }
    let room = usize::from(rows.height);
    let first = first_row(editor.demos.len(), room, editor.at);
    for (row, index) in (first..editor.demos.len()).take(room).enumerate() {
        let place = Rect { y: rows.y + row as u16, height: 1, ..rows };
        demonstration(buf, place, scene, (sheet, editor, index));
        if index == editor.at {
            buf.set_style(place, theme.selected());
        }
    }
    pane::put_at(buf, hint, 0, edits(scene, sheet, editor));
}

fn demonstration(buf: &mut Buffer, place: Rect, scene: Scene<'_>, (sheet, editor, index): (&Sheet, &Editor, usize)) {
    let (theme, demo) = (scene.theme, &editor.demos[index]);
    let fate = editor.fate(sheet, index);
    let (mark, role) = match fate {
        Fate::Same => (" ", Role::Dim),
        Fate::Relabelled => ("≠", Role::Bad),
        Fate::New => ("+", Role::Accent),
    };
    let label = pane::column(&label_word(scene.state, sheet, demo.label.as_deref()), 9);
    let style = if fate == Fate::Relabelled { theme.bold(Role::Bad) } else { theme.fg(Role::Text) };
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

/// The label as the prompt says it, or by name while the task is being read.
fn label_word(state: &State, sheet: &Sheet, label: Option<&str>) -> String {
    let Some(label) = label else { return "?".to_owned() };
    let index = state.task().and_then(|task| task.labels.iter().position(|other| other == label));
    index.map_or_else(|| printable(label).into_owned(), |index| sheet.label(index))
}

/// What was changed since the run that is shown, and what to do with it.
fn edits(scene: Scene<'_>, sheet: &Sheet, editor: &Editor) -> Line<'static> {
    let (state, theme) = (scene.state, scene.theme);
    if editor.demos == sheet.prompt.demos {
        return Line::styled("as in the run that is shown", theme.fg(Role::Dim));
    }
    let run = state.key_of(Action::Rerun);
    Line::from(vec![
        Span::styled("edited: ", theme.bold(Role::Accent)),
        Span::styled(
            format!("{run} runs it, {} takes a change back", state.key_of(Action::Undo)),
            theme.fg(Role::Text),
        ),
    ])
}

/// The whole prompt as the model reads it.
fn text(buf: &mut Buffer, area: Rect, scene: Scene<'_>, editor: &Editor) {
    let theme = scene.theme;
    let key = |action| scene.state.keymap.keys(scene.state.place(), action).into_iter().next().unwrap_or_default();
    let scroll = format!("{} {} scroll", key(Action::PageUp), key(Action::PageDown));
    let note = if scroll.len() > 8 { scroll } else { String::new() };
    let inside = opened(buf, area, theme, "as the model reads it", Line::styled(note, theme.fg(Role::Dim)));
    let said = match (&editor.answer, &editor.refused) {
        (_, Some(why)) => Err((why.clone(), Role::Alarm)),
        (Some(answer), None) => Ok(&answer.prompt),
        (None, None) if scene.state.wanted.is_none() => {
            Err(("no model is at hand: give partscope one to edit prompts".to_owned(), Role::Dim))
        }
        (None, None) => Err(("asking the model".to_owned(), Role::Dim)),
    };
    match said {
        Ok(prompt) => prompt_text::draw(buf, inside, theme, prompt, editor.scroll),
        Err((why, role)) => {
            let lines = pane::wrap(&why, inside.width.into());
            pane::stack(buf, inside, lines.into_iter().map(|line| Line::styled(line, theme.fg(role))));
        }
    }
}

/// The text of one's own with what is said to it.
fn own(buf: &mut Buffer, area: Rect, scene: Scene<'_>, sheet: &Sheet, editor: &Editor) {
    let (state, theme) = (scene.state, scene.theme);
    let waits = editor.is_waiting() && !editor.own.is_empty();
    let note = if waits { Line::styled("…", theme.bold(Role::Accent)) } else { Line::default() };
    let inside = opened(buf, area, theme, "your text", note);
    let width = usize::from(inside.width);
    if editor.own.is_empty() {
        let key = state.key_of(Action::OwnText);
        let mut hints = vec![format!("{key} types a text; model and mix answer while you type.")];
        let fields = state.task().and_then(|task| task.test.first().map(|example| example.fields.len())).unwrap_or(1);
        if fields > 1 {
            hints.push("Fields are separated by |.".to_owned());
        }
        let lines = hints.iter().flat_map(|hint| pane::wrap(hint, width));
        let lines: Vec<Line<'_>> = lines.map(|line| Line::styled(line, theme.fg(Role::Dim))).collect();
        pane::stack(buf, inside, lines);
        return;
    }
    let text = pane::wrap(&printable(&editor.own), width);
    let text = text.into_iter().take(4).map(|line| Line::styled(line, theme.fg(Role::Strong)));
    let left = pane::stack(buf, inside, text);
    let Some(argument) = editor.argument(sheet) else { return };
    let left = pane::stack(buf, left, chances(theme, sheet, argument.gold, &logits(sheet, editor), width));
    terms(buf, left, theme, sheet, &argument);
}

/// Label logits of the text under the model, and under the faders of `sheet`.
fn logits(sheet: &Sheet, editor: &Editor) -> Logits {
    let Some(table) = editor.answer.as_ref().and_then(|answer| answer.table.as_ref()) else {
        return Logits { model: Vec::new(), mix: None };
    };
    let wide = |logits: &[f32]| logits.iter().map(|&logit| f64::from(logit)).collect();
    let mix = (!sheet.desk.is_model()).then(|| wide(&sheet.desk.logits(table)));
    Logits { model: wide(table.full()), mix }
}

/// The examples of the pool, one of which is chosen.
pub(super) fn draw_pool(buf: &mut Buffer, area: Rect, scene: Scene<'_>, needle: &str, at: usize, replace: bool) {
    let (state, theme) = (scene.state, scene.theme);
    let title = if replace { "which one instead?" } else { "add which one?" };
    let inside = sheet_of_paper(buf, layout::pool(area), theme, title, Role::Accent);
    let found = candidates(state, needle);
    let count = format!("  {} of the pool", found.len());
    let room = usize::from(inside.width).saturating_sub(count.len() + 2);
    let mut line = vec![Span::styled("/ ", theme.bold(Role::Accent))];
    line.extend(field::spans(theme, needle, state.caret, room));
    line.push(Span::styled(count, theme.fg(Role::Dim)));
    let left = pane::stack(buf, inside, [line.into(), Line::default()]);
    let Some((task, sheet)) = state.task().zip(state.sheet()) else { return };
    let room = usize::from(left.height);
    let first = first_row(found.len(), room, at);
    for (row, (index, &number)) in found.iter().enumerate().skip(first).take(room).enumerate() {
        let place = Rect { y: left.y + row as u16, height: 1, ..left };
        pane::put_at(buf, place, 0, pool_line(theme, sheet, &task.pool[number]));
        if index == at {
            buf.set_style(place, theme.selected());
        }
    }
}

fn pool_line(theme: &Theme, sheet: &Sheet, example: &crate::task::Example) -> Line<'static> {
    let label = pane::column(&sheet.label(example.label), 9);
    vec![
        Span::styled(format!("{label} "), theme.fg(Role::Dim)),
        Span::styled(printable(&example.summary()).into_owned(), theme.fg(Role::Text)),
    ]
    .into()
}
