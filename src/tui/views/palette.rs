//! Lines that are typed: the palette and the search.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use crate::{
    app::typing::{Palette, Purpose, Typed},
    tui::{theme::Role, widgets::pane},
};

use super::{Scene, sheet_of_paper};

/// What was typed, and the actions that fit it with their keys.
pub(super) fn draw(buf: &mut Buffer, area: Rect, scene: Scene<'_>, palette: &Palette) {
    let theme = scene.theme;
    let size = (72.min(area.width - 4), 16.min(area.height));
    let inside = sheet_of_paper(buf, area, theme, size, "do what?", Role::Accent);
    let line = Line::from(vec![
        Span::styled(": ", theme.bold(Role::Accent)),
        Span::styled(palette.text.clone(), theme.bold(Role::Strong)),
        Span::styled("▏", theme.fg(Role::Accent)),
    ]);
    let left = pane::stack(buf, inside, [line, Line::default()]);
    let found = palette.matches();
    if found.is_empty() {
        pane::stack(buf, left, [Line::styled("no action has these words", theme.fg(Role::Dim))]);
    }
    let rows = usize::from(left.height);
    let first = palette.at.saturating_sub(rows / 2).min(found.len().saturating_sub(rows));
    for (row, (index, action)) in found.into_iter().enumerate().skip(first).take(rows).enumerate() {
        let place = Rect { y: left.y + row as u16, height: 1, ..left };
        let keys = scene.state.keymap.any_keys(action).join(" ");
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

/// The search in the place of the status line.
pub(super) fn draw_search(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let theme = scene.theme;
    let listing = &scene.state.listing;
    buf.set_style(area, theme.on(Role::Text, Role::Panel));
    buf.set_string(area.x, area.y, " ".repeat(area.width.into()), theme.on(Role::Text, Role::Panel));
    let line = Line::from(vec![
        Span::styled(" / ", theme.bold(Role::Accent)),
        Span::styled(listing.needle.clone(), theme.bold(Role::Strong)),
        Span::styled("▏", theme.fg(Role::Accent)),
        Span::styled(format!("  {} examples", listing.rows.len()), theme.fg(Role::Dim)),
    ]);
    pane::put_at(buf, area, 0, line);
}

/// A line that is asked for, in the place of the status line.
pub(super) fn draw_line(buf: &mut Buffer, area: Rect, scene: Scene<'_>, line: &Typed) {
    let theme = scene.theme;
    let what = match line.purpose {
        Purpose::SaveMix => "save the mix as",
        Purpose::LoadMix => "load a mix from",
        Purpose::OwnText => "your text",
    };
    buf.set_string(area.x, area.y, " ".repeat(area.width.into()), theme.on(Role::Text, Role::Panel));
    let room = usize::from(area.width).saturating_sub(what.len() + 4);
    let hidden = line.text.chars().count().saturating_sub(room);
    let line = Line::from(vec![
        Span::styled(format!(" {what} "), theme.bold(Role::Accent)),
        Span::styled(line.text.chars().skip(hidden).collect::<String>(), theme.bold(Role::Strong)),
        Span::styled("▏", theme.fg(Role::Accent)),
    ]);
    pane::put_at(buf, area, 0, line);
}
