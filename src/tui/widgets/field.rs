//! Text input field that keeps its cursor visible.

use ratatui::text::Span;

use crate::{
    app::state::input::caret_offset,
    tui::theme::{Role, Theme},
};

use super::pane::width;

/// Returns the part of `text` around the cursor that fits in `room` columns; `after` letters follow the cursor.
pub fn spans(theme: &Theme, text: &str, after: usize, room: usize) -> Vec<Span<'static>> {
    let (before, behind) = text.split_at(caret_offset(text, after));
    let room = room.saturating_sub(1);
    let ahead = width(behind).min(room / 2);
    let start = last_columns(before, room - ahead);
    let end = first_columns(behind, room - width(start));
    vec![
        Span::styled(start.to_owned(), theme.bold(Role::Strong)),
        Span::styled("▏", theme.fg(Role::Accent)),
        Span::styled(end.to_owned(), theme.bold(Role::Strong)),
    ]
}

/// Returns the longest end of a text that fits in `room` columns.
fn last_columns(text: &str, room: usize) -> &str {
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.map(|at| &text[at..]).find(|rest| width(rest) <= room).unwrap_or_default()
}

/// Returns the longest start of a text that fits in `room` columns.
fn first_columns(text: &str, room: usize) -> &str {
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.map(|at| &text[..at]).take_while(|start| width(start) <= room).last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::color::Depth;

    #[test]
    fn the_cursor_is_always_visible() {
        let theme = &Theme::built_in(Depth::None).unwrap()[0];
        let shown = |text, after, room| {
            spans(theme, text, after, room).iter().map(|span| span.content.as_ref()).collect::<String>()
        };
        for (text, after, room, expected) in [
            ("mix.json", 0, 20, "mix.json▏"),
            ("mix.json", 5, 20, "mix▏.json"),
            ("mix.json", 8, 20, "▏mix.json"),
            ("a/long/path/mix.json", 0, 9, "mix.json▏"),
            ("a/long/path/mix.json", 20, 9, "▏a/long/p"),
            ("a/long/path/mix.json", 9, 9, "path▏/mix"),
            ("好好好", 1, 20, "好好▏好"),
            ("", 0, 9, "▏"),
        ] {
            assert_eq!(shown(text, after, room), expected, "{text} {after}");
        }
    }
}
