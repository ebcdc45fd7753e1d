//! Text input: the palette, the search, and other input lines.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::state::input::{InputKind, LineInput, Palette},
    tui::{
        layout::{self, list::first_row},
        theme::Role,
        widgets::{field, pane},
    },
};

use super::draw_context::{DrawContext, popup};

/// Draws the text that was typed, and the matching actions with their keys.
pub(super) fn draw(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, palette: &Palette) {
    let theme = ctx.theme;
    let inside = popup(buf, layout::palette(area), theme, "actions", Role::Accent);
    let room = usize::from(inside.width).saturating_sub(2);
    let typed = field::spans(theme, &palette.text, ctx.state.caret, room);
    let line = Line::from([vec![Span::styled(": ", theme.bold(Role::Accent))], typed].concat());
    let left = pane::stack(buf, inside, [line, Line::default()]);
    let found = palette.matches();
    if found.is_empty() {
        pane::stack(buf, left, [Line::styled("no matching action", theme.fg(Role::Dim))]);
    }
    let rows = usize::from(left.height);
    let first = first_row(found.len(), rows, palette.at);
    for (row, (index, action)) in found.into_iter().enumerate().skip(first).take(rows).enumerate() {
        let place = Rect { y: left.y + row as u16, height: 1, ..left };
        let keys = ctx.state.keymap.any_keys(action).join(" ");
        let line = Line::from(vec![
            Span::styled(format!("{:<16}", action.name()), theme.bold(Role::Strong)),
            Span::styled(action.description(), theme.fg(Role::Text)),
        ]);
        pane::put_at(buf, place, 0, line);
        pane::put_right(buf, place, Line::styled(format!(" {keys}"), theme.on(Role::Accent, Role::Panel)));
        if index == palette.at {
            buf.set_style(place, theme.selected());
        }
    }
}

/// Draws the search in place of the status line.
pub(super) fn draw_search(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>) {
    let example_list = &ctx.state.example_list;
    let note = format!("  {} examples", example_list.rows.len());
    typed(buf, area, ctx, ("/", &example_list.needle), &note);
}

/// Draws an input line in place of the status line.
pub(super) fn draw_line(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, line: &LineInput) {
    let what = match line.kind {
        InputKind::SaveMix if line.confirmed => "replace this file?",
        InputKind::SaveMix => "save the mix as",
        InputKind::LoadMix => "load a mix from",
        InputKind::TryText => "your text",
    };
    typed(buf, area, ctx, (what, &line.text), "");
}

/// Draws a prompt, the text that was typed, and a note.
fn typed(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, (what, text): (&str, &str), note: &str) {
    let theme = ctx.theme;
    buf.set_string(area.x, area.y, " ".repeat(area.width.into()), theme.on(Role::Text, Role::Panel));
    let room = usize::from(area.width).saturating_sub(what.len() + note.len() + 3);
    let mut spans = vec![Span::styled(format!(" {what} "), theme.bold(Role::Accent))];
    spans.extend(field::spans(theme, text, ctx.state.caret, room));
    spans.push(Span::styled(note.to_owned(), theme.fg(Role::Dim)));
    pane::put_at(buf, area, 0, spans.into());
}
