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
        palette_rows::PaletteRow,
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
    pane::stack(buf, inside, [line]);
    let rows = layout::palette_choices(layout::palette(area));
    let found = ctx.state.palette_rows(palette);
    if found.is_empty() {
        let searching = palette.scope == PaletteScope::Models && ctx.state.models.is_searching;
        let text = if searching { "reading headers" } else { "nothing has this name" };
        pane::stack(buf, rows, [Line::styled(text, theme.fg(Role::Dim))]);
    }
    let longest = found.iter().map(|row| pane::width(&row.name)).max().unwrap_or(0);
    let longest = longest.clamp(16, 40).min(usize::from(rows.width) / 2);
    let (room, count) = (usize::from(rows.height), found.len());
    let first = first_row(count, room, palette.at);
    for (row, (index, found)) in found.into_iter().enumerate().skip(first).take(room).enumerate() {
        let place = Rect { y: rows.y + row as u16, height: 1, ..rows };
        let is_whole = entry(buf, place, ctx, &found, longest);
        if index == palette.at {
            buf.set_style(place, theme.selected());
            described(buf, layout::palette_described(layout::palette(area)), ctx, &found, is_whole);
        }
    }
    pane::scroll_cues(buf, rows, theme, (first, count));
}

/// Draws a row, and returns whether it shows all of the entry.
fn entry(buf: &mut Buffer, place: Rect, ctx: DrawContext<'_>, row: &PaletteRow, longest: usize) -> bool {
    let theme = ctx.theme;
    let keys = match row.entry {
        PaletteEntry::Action(action) => ctx.state.keymap.any_keys(action).join(" "),
        _ => String::new(),
    };
    let line = Line::from(vec![
        Span::styled(format!("{} ", name(row, longest)), theme.bold(Role::Strong)),
        Span::styled(row.about.clone(), theme.fg(Role::Text)),
    ]);
    let beside = if keys.is_empty() { 0 } else { pane::width(&keys) as u16 + 1 };
    let text = Rect { width: place.width.saturating_sub(beside), ..place };
    let is_whole = line.width() <= text.width.into() && pane::width(&row.name) <= longest;
    pane::put_at(buf, text, 0, line);
    pane::put_right(buf, place, Line::styled(keys, theme.on(Role::Accent, Role::Panel)));
    is_whole
}

/// Returns the name in `room` columns; of a path the end is shown.
fn name(row: &PaletteRow, room: usize) -> String {
    match row.entry {
        PaletteEntry::Model(_) => pane::column_end(&row.name, room),
        _ => pane::column(&row.name, room),
    }
}

/// Draws the chosen entry in full below the list unless its row does.
fn described(buf: &mut Buffer, area: Rect, ctx: DrawContext<'_>, row: &PaletteRow, is_whole: bool) {
    if !is_whole {
        let lines = pane::wrap(&format!("{}: {}", row.name, row.about), area.width.into());
        pane::stack(buf, area, lines.into_iter().map(|line| Line::styled(line, ctx.theme.fg(Role::Text))));
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
        InputKind::Export if line.confirmed => "replace these files?",
        InputKind::Export => "save screen and table as (.svg .png .csv)",
        InputKind::OpenFolder => "open the run in the folder",
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
