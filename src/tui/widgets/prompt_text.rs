//! Prompt as the model reads it.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::{
    text::printable,
    tui::theme::{Role, Theme},
};

use super::pane;

/// Draws the end of `text`, scrolled up by `below` lines; line breaks are kept, long lines are wrapped.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, text: &str, below: usize) {
    let lines = lines(text, area.width.into());
    let room = usize::from(area.height);
    let first = lines.len().saturating_sub(room).saturating_sub(below);
    let above = first > 0;
    let shown = lines.into_iter().skip(first).take(room).enumerate().map(|(row, line)| {
        let role = if above && row == 0 { Role::Dim } else { Role::Text };
        Line::styled(if above && row == 0 { format!("⋮ {line}") } else { line }, theme.fg(role))
    });
    pane::stack(buf, area, shown);
}

/// Returns the lines of `text`, wrapped to `width` columns; `▁▁▁` marks the place of the label word.
fn lines(text: &str, width: usize) -> Vec<String> {
    let text = format!("{text} ▁▁▁");
    let broken = text.split('\n').flat_map(|line| {
        let wrapped = pane::wrap(&printable(line), width.saturating_sub(2).max(1));
        if wrapped.is_empty() { vec![String::new()] } else { wrapped }
    });
    broken.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::color::Depth;

    fn drawn(text: &str, below: usize) -> Vec<String> {
        let area = Rect::new(0, 0, 14, 3);
        let mut buf = Buffer::empty(area);
        draw(&mut buf, area, &Theme::built_in(Depth::None).unwrap()[0], text, below);
        let row = |y| (0..14).map(|x| buf[(x, y)].symbol().to_owned()).collect::<String>().trim_end().to_owned();
        (0..3).map(row).collect()
    }

    #[test]
    fn the_end_is_visible_and_the_start_can_be_scrolled_to() {
        let text = "one\n\ntwo\nthree\x1b[31m\nIt is";
        assert_eq!(drawn(text, 0), ["⋮ two", "three[31m", "It is ▁▁▁"]);
        assert_eq!(drawn(text, 2), ["one", "", "two"]);
        assert_eq!(drawn(text, 99), ["one", "", "two"]);
        assert_eq!(drawn("a", 0), ["a ▁▁▁", "", ""]);
    }
}
