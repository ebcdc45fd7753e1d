//! Scatter plot in braille: a dot per component.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use crate::tui::theme::{Role, Theme};

/// Columns of the vertical axis with its numbers.
const AXIS: u16 = 6;

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

    /// Returns the area of the points inside `area`, beside the vertical axis and above the horizontal one.
    pub fn plot(area: Rect) -> Rect {
        let (left, below) = (AXIS.min(area.width), 2.min(area.height));
        Rect { x: area.x + left, width: area.width - left, height: area.height - below, ..area }
    }

    /// Draws the plot with its axes: run A to the right, run B upwards, both from the first to the second of `ends`.
    pub fn draw_with_axes(&self, buf: &mut Buffer, area: Rect, theme: &Theme, (ends, unit): (&[String; 2], &str)) {
        let plot = Self::plot(area);
        if plot.width < 4 || plot.height < 2 {
            return self.draw(buf, area, theme);
        }
        let (dim, faint) = (theme.fg(Role::Dim), theme.fg(Role::Faint));
        for y in plot.y..plot.bottom() {
            buf.set_string(plot.x - 1, y, "│", faint);
        }
        buf.set_string(plot.x - 1, plot.bottom(), format!("└{}", "─".repeat(plot.width.into())), faint);
        let room = usize::from(AXIS - 1);
        buf.set_string(area.x, plot.y, format!("{:>room$}", ends[1]), dim);
        buf.set_string(area.x, plot.bottom() - 1, format!("{:>room$}", ends[0]), dim);
        let middle = plot.y + plot.height / 2;
        buf.set_string(area.x, middle, format!("{:>room$}", "B"), theme.bold(Role::Accent));
        let row = plot.bottom() + 1;
        let last = ends[1].chars().count() as u16;
        buf.set_string(plot.x, row, &ends[0], dim);
        buf.set_string(plot.right().saturating_sub(last), row, &ends[1], dim);
        let name = format!("A, {unit}");
        let x = plot.x + (plot.width.saturating_sub(name.chars().count() as u16)) / 2;
        buf.set_stringn(x, row, name, usize::from(plot.right().saturating_sub(x)), theme.bold(Role::Accent));
        self.draw(buf, plot, theme);
    }

    /// Returns the point nearest to a position in the area of the points.
    pub fn nearest(&self, plot: Rect, at: Position) -> Option<usize> {
        if !plot.contains(at) {
            return None;
        }
        let distance = |&point: &(f64, f64)| {
            let (x, y) = place(point, plot, (1, 1));
            let (x, y) = (i32::from(plot.x + x) - i32::from(at.x), i32::from(plot.y + y) - i32::from(at.y));
            x * x + 4 * y * y
        };
        self.points.iter().enumerate().min_by_key(|(_, point)| distance(point)).map(|(index, _)| index)
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
    fn axes_name_both_runs_and_a_click_finds_its_point() {
        let area = Rect::new(0, 0, 20, 8);
        let mut buf = Buffer::empty(area);
        let theme = &Theme::built_in(Depth::None).unwrap()[0];
        let scatter = Scatter { points: &[(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)], chosen: None };
        scatter.draw_with_axes(&mut buf, area, theme, (&["0".to_owned(), "100".to_owned()], "%"));
        let row = |y: u16| (0..20).map(|x| buf[(x, y)].symbol().to_owned()).collect::<String>();
        assert!(row(0).starts_with("  100│") && row(3).starts_with("    B│") && row(5).starts_with("    0│"));
        assert!(row(7).contains("A, %") && row(7).trim_end().ends_with("100"), "{}", row(7));
        let plot = Scatter::plot(area);
        assert_eq!(scatter.nearest(plot, Position::new(plot.right() - 1, plot.y)), Some(2));
        assert_eq!(scatter.nearest(plot, Position::new(plot.x + 1, plot.bottom() - 1)), Some(0));
        assert_eq!(scatter.nearest(plot, Position::new(0, 0)), None);
    }

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
