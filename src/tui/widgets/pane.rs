//! Lines of text in a rectangle, and the title rule of a pane.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use crate::tui::theme::{Role, Theme};

/// Draws `title ───── note` at the top of `area` and returns the area below it.
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

/// Writes a line in row `row` of `area`; a truncated line ends in `…`. Rows outside the area are ignored.
pub fn put_at(buf: &mut Buffer, area: Rect, row: u16, line: Line<'_>) {
    if row >= area.height || area.width == 0 {
        return;
    }
    let columns = line.width();
    let cut = columns > area.width.into() && width(line.to_string().trim_end()) > area.width.into();
    let taken = if line.alignment.is_none() { area.width.min(columns as u16) } else { area.width };
    let place = Rect { y: area.y + row, height: 1, width: taken, ..area };
    line.render(place, buf);
    if cut {
        let last = place.right() - 1;
        if last > place.x && width(buf[(last - 1, place.y)].symbol()) > 1 {
            buf[(last - 1, place.y)].set_symbol(" ");
        }
        buf[(last, place.y)].set_symbol("…");
    }
}

/// Draws in the corners of a list's rows how many rows are above and below the visible ones; `first` of `count` is the
/// first visible one.
pub fn scroll_cues(buf: &mut Buffer, rows: Rect, theme: &Theme, (first, count): (usize, usize)) {
    let below = count.saturating_sub(first + usize::from(rows.height));
    hidden_cues(buf, rows, theme, (first, below));
}

/// Draws in the corners of a list's rows that so many rows are hidden above and below.
pub fn hidden_cues(buf: &mut Buffer, rows: Rect, theme: &Theme, (above, below): (usize, usize)) {
    let cues = [(above, "↑", rows.y), (below, "↓", rows.bottom().saturating_sub(1))];
    for (hidden, arrow, y) in cues.into_iter().filter(|(hidden, ..)| *hidden > 0) {
        let cue = format!(" {hidden} {arrow}");
        let place = Rect { y, height: rows.height.min(1), ..rows };
        if place.is_empty() {
            continue;
        }
        clear_word(buf, place, place.right().saturating_sub(width(&cue) as u16));
        put_right(buf, place, Line::styled(cue, theme.on(Role::Accent, Role::Background)));
    }
}

/// Writes the lines that fit and how many do not, and returns the remaining area.
pub fn stack_or_count(buf: &mut Buffer, area: Rect, theme: &Theme, lines: Vec<Line<'_>>) -> Rect {
    let hidden = lines.len().saturating_sub(area.height.into());
    let left = stack(buf, area, lines);
    hidden_cues(buf, area, theme, (0, hidden));
    left
}

/// Most columns of a word that is cleared as a whole.
const WORD: u16 = 12;

/// Clears the word before column `x` if it goes on behind it: half a number would be another number.
fn clear_word(buf: &mut Buffer, row: Rect, x: u16) {
    let is_word = |x: u16| x < row.right() && buf[(x, row.y)].symbol().chars().any(|c| !" ─━│┊".contains(c));
    let left = (row.x..x).rev().take_while(|&x| is_word(x)).take(usize::from(WORD)).count() as u16;
    if is_word(x) {
        buf.set_string(x - left, row.y, " ".repeat(left.into()), Style::new());
    }
}

/// Returns the columns of a text on the screen.
pub fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// Truncates a text to at most `room` columns; a truncated text ends in `…`.
pub fn cut(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(1);
    let fits = |letter: &char| {
        let columns = width(letter.encode_utf8(&mut [0; 4]));
        left.checked_sub(columns).map(|rest| left = rest).is_some()
    };
    let start: String = text.chars().take_while(fits).collect();
    if room == 0 { String::new() } else { format!("{start}…") }
}

/// Truncates or pads a text to exactly `room` columns.
pub fn column(text: &str, room: usize) -> String {
    let text = cut(text, room);
    let pad = room.saturating_sub(width(&text));
    format!("{text}{}", " ".repeat(pad))
}

/// Same as [`column()`], but of a text that does not fit the end is shown.
pub fn column_end(text: &str, room: usize) -> String {
    if width(text) <= room || room == 0 {
        return column(text, room);
    }
    let mut left = room - 1;
    let fits = |letter: &char| {
        let columns = width(letter.encode_utf8(&mut [0; 4]));
        left.checked_sub(columns).map(|rest| left = rest).is_some()
    };
    let end: Vec<char> = text.chars().rev().take_while(fits).collect();
    column(&std::iter::once('…').chain(end.into_iter().rev()).collect::<String>(), room)
}

/// Writes a line, right-aligned, in the first row of `area`.
pub fn put_right(buf: &mut Buffer, area: Rect, line: Line<'_>) {
    let width = (line.width() as u16).min(area.width);
    put_at(buf, Rect { x: area.right() - width, width, ..area }, 0, line);
}

/// Writes lines below each other and returns the remaining area.
pub fn stack<'a>(buf: &mut Buffer, area: Rect, lines: impl IntoIterator<Item = Line<'a>>) -> Rect {
    let mut rows = 0;
    for line in lines {
        put_at(buf, area, rows, line);
        rows = (rows + 1).min(area.height);
    }
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

/// Wraps a text to lines of at most `width` columns, at spaces if possible.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word.to_owned();
        loop {
            let line = lines.last().map_or(0, |line| self::width(line));
            let gap = usize::from(line > 0);
            let length = self::width(&word);
            if line + gap + length <= width {
                let target = lines.len() - 1;
                lines[target].push_str(if gap == 1 { " " } else { "" });
                lines[target].push_str(&word);
                break;
            }
            if line > 0 {
                lines.push(String::new());
            } else {
                let tail = word.split_off(head(&word, width));
                lines.last_mut().into_iter().for_each(|line| line.push_str(&word));
                lines.push(String::new());
                word = tail;
            }
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// Returns the bytes of the letters of `word` that fit in `room` columns, at least one letter.
fn head(word: &str, room: usize) -> usize {
    let end = |(at, letter): (usize, char)| at + letter.len_utf8();
    let ends = word.char_indices().map(end);
    let first = ends.clone().next().unwrap_or(0);
    ends.take_while(|&end| width(&word[..end]) <= room).last().unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_lines_end_in_an_ellipsis() {
        let area = Rect::new(0, 0, 8, 1);
        for (text, shown) in [
            ("n = 200", "n = 200 "),
            ("n = 2000", "n = 2000"),
            ("n = 20000", "n = 200…"),
            ("n = 2000   ", "n = 2000"),
            ("好好好好好", "好好好 …"),
        ] {
            let mut buf = Buffer::empty(area);
            put_at(&mut buf, area, 0, Line::raw(text));
            let drawn: String = (0..8).map(|x| buf[(x, 0)].symbol()).collect();
            assert_eq!(drawn.replace("好 ", "好"), shown, "{text}");
        }
    }

    #[test]
    fn a_scroll_cue_never_leaves_half_a_number() {
        let theme = &Theme::built_in(crate::tui::color::Depth::None).unwrap()[0];
        let rows = Rect::new(0, 0, 20, 1);
        for (text, shown) in
            [("────●────────  1.25 ", "────●────────  48 ↓"), ("────●───── 1.25     ", "────●───── 1.25 48 ↓")]
        {
            let mut buf = Buffer::empty(rows);
            put_at(&mut buf, rows, 0, Line::raw(text));
            scroll_cues(&mut buf, rows, theme, (0, 49));
            let drawn: String = (0..20).map(|x| buf[(x, 0)].symbol()).collect();
            assert_eq!(drawn.replace(' ', ""), shown.replace(' ', ""), "{text}");
        }
    }

    #[test]
    fn columns_have_their_display_width() {
        for (text, room, shown) in [
            ("good", 6, "good  "),
            ("positive", 6, "posit…"),
            ("好的", 6, "好的  "),
            ("好的好", 5, "好的…"),
            ("x", 0, ""),
        ] {
            assert_eq!(column(text, room), shown);
        }
        for (text, room, shown) in
            [("a/b.gguf", 6, "….gguf"), ("a.gguf", 8, "a.gguf  "), ("好的好", 4, "…好 "), ("x", 0, "")]
        {
            assert_eq!(column_end(text, room), shown);
        }
    }

    #[test]
    fn text_wraps_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
        assert_eq!(wrap("好好好", 4), ["好好", "好"]);
    }
}
