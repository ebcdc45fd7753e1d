//! Scatter plot in braille: a dot per component.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::tui::theme::{Role, Theme};

/// Points in the unit square, with the diagonal of equal values.
#[derive(Clone, Copy, Debug)]
pub struct Scatter<'a> {
    /// Points: x from left to right, y from bottom to top.
    pub points: &'a [(f64, f64)],
    /// Index of the highlighted point.
    pub chosen: Option<usize>,
}

impl Scatter<'_> {
    /// Draws the plot into `area`.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) {
        if area.is_empty() {
            return;
        }
        for column in 0..area.width {
            let share = (f64::from(column) + 0.5) / f64::from(area.width);
            let row = area.bottom() - 1 - ((share * f64::from(area.height)) as u16).min(area.height - 1);
            buf.set_string(area.x + column, row, "·", theme.fg(Role::Faint));
        }
        for (cell, dots) in self.dots(area) {
            let symbol = char::from_u32(0x2800 + u32::from(dots)).unwrap_or('·').to_string();
            buf.set_string(cell.0, cell.1, symbol, theme.fg(Role::Text));
        }
        if let Some(&point) = self.chosen.and_then(|chosen| self.points.get(chosen)) {
            let (x, y) = place(point, area, (1, 1));
            buf.set_string(area.x + x, area.y + y, "◆", theme.bold(Role::Accent));
        }
    }

    /// Returns the cells with their dots, as bits of a braille character.
    fn dots(&self, area: Rect) -> std::collections::BTreeMap<(u16, u16), u8> {
        let mut cells = std::collections::BTreeMap::new();
        for &point in self.points {
            let (x, y) = place(point, area, (2, 4));
            let bit = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]][usize::from(y % 4)][usize::from(x % 2)];
            *cells.entry((area.x + x / 2, area.y + y / 4)).or_insert(0) |= bit;
        }
        cells
    }
}

/// Returns the position of a point in `area`, from the top left, in units of `grain` per cell.
fn place((x, y): (f64, f64), area: Rect, grain: (u16, u16)) -> (u16, u16) {
    let (right, bottom) = (area.width * grain.0 - 1, area.height * grain.1 - 1);
    let at = |share: f64, last: u16| (share.clamp(0.0, 1.0) * f64::from(last)).round() as u16;
    (at(x, right), bottom - at(y, bottom))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::color::Depth;

    #[test]
    fn points_are_at_the_position_of_their_values() {
        let area = Rect::new(0, 0, 4, 4);
        let mut buf = Buffer::empty(area);
        let theme = &Theme::built_in(Depth::None).unwrap()[0];
        let points = [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)];
        Scatter { points: &points, chosen: Some(3) }.draw(&mut buf, area, theme);
        let expected = Buffer::with_lines(["⠁  ⠈", "  · ", " ·  ", "⡀  ◆"]);
        let text = |buf: &Buffer| buf.content.iter().map(|cell| cell.symbol().to_owned()).collect::<String>();
        assert_eq!(text(&buf), text(&expected));
    }
}
