//! Text input: the palette, the search, and other input lines.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::state::{
        input::{InputKind, LineInput},
        palette::{Palette, PaletteEntry, PaletteScope},
    },
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
    let title = match palette.scope {
        PaletteScope::All => "actions, components, quantities, runs, tasks, templates, shots, examples",
        PaletteScope::Others => "compare with",
        PaletteScope::Quantities => "quantities",
        PaletteScope::Models if ctx.state.models.is_searching => "open a model, searching…",
        PaletteScope::Models => "open a model",
    };
    let inside = popup(buf, layout::palette(area), theme, title, Role::Accent);
    let room = usize::from(inside.width).saturating_sub(2);
    let typed = field::spans(theme, &palette.text, ctx.state.caret, room);
    let line = Line::from([vec![Span::styled(": ", theme.bold(Role::Accent))], typed].concat());
    let left = pane::stack(buf, inside, [line, Line::default()]);
    let found = ctx.state.palette_rows(palette);
    if found.is_empty() {
        let searching = palette.scope == PaletteScope::Models && ctx.state.models.is_searching;
        let text = if searching { "reading headers" } else { "nothing has this name" };
        pane::stack(buf, left, [Line::styled(text, theme.fg(Role::Dim))]);
    }
    let longest = found.iter().map(|row| pane::width(&row.name)).max().unwrap_or(0).clamp(16, 40);
    let rows = usize::from(left.height);
    let first = first_row(found.len(), rows, palette.at);
    let count = found.len();
    for (row, (index, found)) in found.into_iter().enumerate().skip(first).take(rows).enumerate() {
        let place = Rect { y: left.y + row as u16, height: 1, ..left };
        let keys = match found.entry {
            PaletteEntry::Action(action) => ctx.state.keymap.any_keys(action).join(" "),
            _ => String::new(),
        };
        let line = Line::from(vec![
            Span::styled(format!("{} ", pane::column(&found.name, longest)), theme.bold(Role::Strong)),
            Span::styled(found.about, theme.fg(Role::Text)),
        ]);
        pane::put_at(buf, place, 0, line);
        pane::put_right(buf, place, Line::styled(format!(" {keys}"), theme.on(Role::Accent, Role::Panel)));
        if index == palette.at {
            buf.set_style(place, theme.selected());
        }
    }
    pane::scroll_cues(buf, left, theme, (first, count));
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
        InputKind::Export if line.confirmed => "replace these files?",
        InputKind::Export => "save screen and table as (.svg .png .csv)",
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
