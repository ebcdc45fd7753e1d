//! Renders a frame as SVG, cell by cell.

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

/// Size of a cell in user units.
const CELL: (u16, u16) = (9, 18);

/// Renders a frame, drawn in true colour, as an SVG document.
pub fn render(buf: &Buffer) -> String {
    let (width, height) = (buf.area.width * CELL.0, buf.area.height * CELL.1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         shape-rendering=\"crispEdges\" height=\"{height}\" font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"15\">\n"
    );
    for row in 0..buf.area.height {
        let cells: Vec<&Cell> = (0..buf.area.width).map(|x| &buf[(x, row)]).collect();
        surfaces(&mut svg, &cells, row);
        texts(&mut svg, &cells, row);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Draws the backgrounds, one rectangle per run of cells of the same colour, and the block characters.
fn surfaces(svg: &mut String, cells: &[&Cell], row: u16) {
    for (start, run) in runs(cells, |cell| colors(cell).1) {
        rectangle(svg, (start * CELL.0, row * CELL.1), (run.len() as u16 * CELL.0, CELL.1), &colors(run[0]).1);
    }
    let (wide, tall) = CELL;
    for (x, cell) in cells.iter().enumerate() {
        let ((left, top), size) = match cell.symbol() {
            "▀" => ((0, 0), (wide, tall / 2)),
            "▌" => ((0, 0), (wide / 2, tall)),
            "▐" => ((wide - wide / 2, 0), (wide / 2, tall)),
            "▗" => ((wide - wide / 2, tall / 2), (wide / 2, tall / 2)),
            "▖" => ((0, tall / 2), (wide / 2, tall / 2)),
            _ => continue,
        };
        rectangle(svg, (x as u16 * wide + left, row * tall + top), size, &colors(cell).0);
    }
}

fn rectangle(svg: &mut String, (x, y): (u16, u16), (width, height): (u16, u16), color: &str) {
    let _ = writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{color}\"/>");
}

/// Draws the text, one element per run of cells of the same style. Each has an explicit length, so that columns align
/// in any font.
fn texts(svg: &mut String, cells: &[&Cell], row: u16) {
    for (start, run) in runs(cells, |cell| (colors(cell).0, cell.modifier, is_drawn(cell))) {
        let text: String = run.iter().map(|cell| cell.symbol()).collect();
        if is_drawn(run[0]) || text.trim().is_empty() {
            continue;
        }
        let (before, words) = (text.chars().take_while(|&c| c == ' ').count() as u16, text.trim());
        let weight = if run[0].modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
        let (x, y) = ((start + before) * CELL.0, row * CELL.1 + 14);
        let length = words.chars().count() as u16 * CELL.0;
        let fill = colors(run[0]).0;
        let words = words.replace('&', "&amp;").replace('<', "&lt;").replace(' ', "\u{a0}");
        let _ =
            writeln!(svg, "<text x=\"{x}\" y=\"{y}\" textLength=\"{length}\" fill=\"{fill}\"{weight}>{words}</text>");
    }
}

/// Returns whether a cell is a block character, drawn as a rectangle.
fn is_drawn(cell: &Cell) -> bool {
    matches!(cell.symbol(), "▀" | "▌" | "▐" | "▗" | "▖")
}

/// Returns runs of neighbouring cells with the same `key`, each with its first column.
fn runs<'a, K: PartialEq>(cells: &'a [&'a Cell], key: impl Fn(&Cell) -> K) -> Vec<(u16, &'a [&'a Cell])> {
    let mut start = 0;
    let same = cells.chunk_by(|a, b| key(a) == key(b)).map(|run| {
        let at = start;
        start += run.len() as u16;
        (at, run)
    });
    same.collect()
}

/// Returns foreground and background of a cell.
fn colors(cell: &Cell) -> (String, String) {
    let (ink, background) = (hex(cell.fg, "#d8dee9"), hex(cell.bg, "#12151c"));
    if cell.modifier.contains(Modifier::REVERSED) { (background, ink) } else { (ink, background) }
}

fn hex(color: Color, otherwise: &str) -> String {
    match color {
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        _ => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn text_keeps_position_and_colour_and_is_escaped() {
        let mut buf = Buffer::empty(ratatui::layout::Rect::new(0, 0, 8, 2));
        buf.set_string(2, 1, "a<b c", Style::new().fg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::BOLD));
        buf.set_string(0, 0, "▀", Style::new().fg(Color::Rgb(255, 0, 0)));
        let svg = render(&buf);
        assert!(svg.contains(
            "<text x=\"18\" y=\"32\" textLength=\"45\" fill=\"#010203\" font-weight=\"bold\">a&lt;b\u{a0}c</text>"
        ));
        assert!(svg.contains("<rect x=\"0\" y=\"0\" width=\"9\" height=\"9\" fill=\"#ff0000\"/>"));
    }
}
