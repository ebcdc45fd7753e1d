//! Lines of text in a rectangle, and the rule that opens a pane.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use crate::tui::theme::{Role, Theme};

/// Draws `title ───── note` over `area` and returns what is left below.
pub fn open(buf: &mut Buffer, area: Rect, theme: &Theme, title: Line<'_>, note: Line<'_>) -> Rect {
    if area.is_empty() {
        return area;
    }
    let top = Rect { height: 1, ..area };
    buf.set_string(top.x, top.y, "─".repeat(top.width.into()), theme.fg(Role::Faint));
    let width = title.width() as u16;
    put_at(buf, top, 0, pad(title));
    let left = top.width.saturating_sub(width + 4);
    if (1..=left).contains(&(note.width() as u16)) {
        let mut note = note;
        note.spans.insert(0, Span::raw(" "));
        put_right(buf, top, note);
    }
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

fn pad(mut line: Line<'_>) -> Line<'_> {
    line.spans.push(Span::raw(" "));
    line
}

/// Writes a line in row `row` of `area`, clipped; a row that does not exist stays away.
pub fn put_at(buf: &mut Buffer, area: Rect, row: u16, line: Line<'_>) {
    if row < area.height {
        let width = if line.alignment.is_none() { area.width.min(line.width() as u16) } else { area.width };
        line.render(Rect { y: area.y + row, height: 1, width, ..area }, buf);
    }
}

/// Writes a line at the right of the first row of `area`.
pub fn put_right(buf: &mut Buffer, area: Rect, line: Line<'_>) {
    let width = (line.width() as u16).min(area.width);
    put_at(buf, Rect { x: area.right() - width, width, ..area }, 0, line);
}

/// Writes lines below each other and returns what is left.
pub fn stack<'a>(buf: &mut Buffer, area: Rect, lines: impl IntoIterator<Item = Line<'a>>) -> Rect {
    let mut rows = 0;
    for line in lines {
        put_at(buf, area, rows, line);
        rows = (rows + 1).min(area.height);
    }
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

/// Breaks a text into lines of at most `width` columns, at spaces where there are some.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word.to_owned();
        loop {
            let line = lines.last_mut().map_or(0, |line| line.chars().count());
            let gap = usize::from(line > 0);
            let length = word.chars().count();
            if line + gap + length <= width {
                let target = lines.len() - 1;
                lines[target].push_str(if gap == 1 { " " } else { "" });
                lines[target].push_str(&word);
                break;
            }
            if line > 0 {
                lines.push(String::new());
            } else {
                let tail = word.chars().skip(width.max(1)).collect();
                lines.last_mut().into_iter().for_each(|line| line.extend(word.chars().take(width.max(1))));
                lines.push(String::new());
                word = tail;
            }
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_breaks_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
    }
}
