//! Minimap: all components of a map that shows only some of them, two layers to a row.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};

use crate::{
    app::state::{Cursor, scale::Scale},
    component::Shape,
    tui::theme::{Role, Theme},
};

use super::{grid::Grid, heatmap::shade};

/// Fewest and most columns, and the share of the map's width that it takes.
const LEAST: u16 = 6;
const MOST: u16 = 24;
const SHARE: u16 = 4;

/// Columns between the map and its minimap: an empty one, and the mark of the visible layers.
const GAP: u16 = 2;

/// Fewest columns that the map keeps.
const MAP: u16 = 20;

/// Positions of all components in a small area. A point stands for one component, or for a few if there are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minimap {
    /// Area of the points.
    pub area: Rect,
    /// Layers and columns that a point stands for.
    pub pooled: (usize, usize),
    /// Shape of the map.
    shape: Shape,
}

impl Minimap {
    /// Divides `area` between a map with the component at `cursor` and its minimap; all of it is the map's if that shows
    /// most components, or all of an enlarged map, or if there is no room for both.
    pub fn beside(area: Rect, shape: Shape, cursor: Cursor, zoomed: bool) -> (Grid, Option<Self>) {
        let alone = Grid::view(area, shape, cursor, zoomed);
        let columns = shape.heads + 1;
        let (seen, all) = (alone.layers.1 * alone.columns.1, shape.layers * columns);
        let is_whole = if zoomed { seen == all } else { seen * 4 >= all * 3 };
        let most = usize::from((area.width / SHARE).clamp(LEAST, MOST));
        let rows = usize::from(area.height.saturating_sub(2)) * 2;
        if is_whole || rows == 0 {
            return (alone, None);
        }
        let pooled = (shape.layers.div_ceil(rows), columns.div_ceil(most));
        let width = columns.div_ceil(pooled.1) as u16;
        let height = shape.layers.div_ceil(pooled.0).div_ceil(2) as u16;
        let left = area.width.saturating_sub(width + GAP + 1);
        if left < MAP {
            return (alone, None);
        }
        let grid = Grid::view(Rect { width: left, ..area }, shape, cursor, zoomed);
        let place = Rect { x: area.x + left + GAP, y: area.y + 1, width, height };
        (grid, Some(Self { area: place, pooled, shape }))
    }

    /// Returns the point of a component: its column, and its row in half rows from the top.
    fn point(&self, layer: usize, column: usize) -> (usize, usize) {
        let rows = self.shape.layers.div_ceil(self.pooled.0);
        (column / self.pooled.1, rows - 1 - layer / self.pooled.0)
    }

    /// Returns the component at a position on the screen, of several that in the middle.
    pub fn hit(&self, at: Position) -> Option<usize> {
        if !self.area.contains(at) {
            return None;
        }
        let columns = self.shape.heads + 1;
        let column = usize::from(at.x - self.area.x) * self.pooled.1 + self.pooled.1 / 2;
        let below = usize::from(self.area.bottom() - 1 - at.y) * 2 * self.pooled.0 + self.pooled.0;
        Some(below.min(self.shape.layers - 1) * columns + column.min(columns - 1))
    }

    /// Returns, for each point, the place on the scale that is farthest from neutral among its components.
    fn places(&self, values: &[Option<f64>], scale: Scale) -> Vec<Option<f64>> {
        let (width, columns) = (usize::from(self.area.width), self.shape.heads + 1);
        let mut places = vec![None::<f64>; width * usize::from(self.area.height) * 2];
        for (index, value) in values.iter().enumerate() {
            let (x, y) = self.point(index / columns, index % columns);
            let (Some(value), Some(best)) = (value, places.get_mut(y * width + x)) else { continue };
            let place = scale.place(*value);
            if best.is_none_or(|best| place.abs() > best.abs()) {
                *best = Some(place);
            }
        }
        places
    }

    /// Draws the points of all `values`, the part of them that `grid` shows, and the cursor.
    pub fn draw(
        &self,
        buf: &mut Buffer,
        theme: &Theme,
        (values, scale): (&[Option<f64>], Scale),
        grid: &Grid,
        cursor: Cursor,
    ) {
        let (places, width) = (self.places(values, scale), usize::from(self.area.width));
        for at in self.area.positions() {
            let (x, y) = (usize::from(at.x - self.area.x), usize::from(at.y - self.area.y) * 2);
            let half = |y: usize| places.get(y * width + x).copied().flatten();
            let (symbol, style) = point(theme, half(y), half(y + 1));
            buf.set_string(at.x, at.y, symbol, style);
        }
        let accent = theme.bold(Role::Accent);
        let (first, rows) = grid.layers;
        let bottom = self.point(first, 0).1 / 2;
        let top = self.point((first + rows).saturating_sub(1), 0).1 / 2;
        for row in top..=bottom {
            buf.set_string(self.area.x - 1, self.area.y + row as u16, "┃", accent);
        }
        let (left, right) = (self.point(0, grid.columns.0).0, self.point(0, grid.columns.0 + grid.columns.1 - 1).0);
        for column in left..=right {
            buf.set_string(self.area.x + column as u16, self.area.y - 1, "━", accent);
        }
        let (x, y) = self.point(cursor.layer, cursor.column);
        let place = Position::new(self.area.x + x as u16, self.area.y + y as u16 / 2);
        if self.area.contains(place) {
            buf[place].set_symbol("◆").set_style(accent);
        }
    }
}

/// Returns a point of two layers: coloured halves, or the shade of the one farther from neutral.
fn point(theme: &Theme, above: Option<f64>, below: Option<f64>) -> (String, Style) {
    let color = |place: Option<f64>| place.and_then(|place| theme.ramp.color(place));
    match (color(above), color(below)) {
        (None, None) => {
            let far = |place: Option<f64>| place.map_or(-1.0, f64::abs);
            let place = if far(below) > far(above) { below } else { above };
            (place.map_or(' ', shade).to_string(), Style::new())
        }
        (Some(above), None) => ("▀".to_owned(), Style::new().fg(above)),
        (None, Some(below)) => ("▄".to_owned(), Style::new().fg(below)),
        (Some(above), Some(below)) => ("▀".to_owned(), Style::new().fg(above).bg(below)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::color::Depth;

    const MIDDLE: Shape = Shape { layers: 32, heads: 32, labels: 2 };
    const LARGE: Shape = Shape { layers: 80, heads: 64, labels: 2 };
    const SCALE: Scale = Scale { low: -1.0, neutral: 0.0, high: 1.0 };

    #[test]
    fn every_component_has_a_point_that_leads_to_it() {
        for shape in [MIDDLE, LARGE] {
            for (area, zoomed) in [
                (Rect::new(1, 2, 41, 18), false),
                (Rect::new(1, 2, 41, 18), true),
                (Rect::new(1, 2, 72, 34), true),
                (Rect::new(1, 2, 120, 54), true),
            ] {
                let cursor = Cursor { layer: 30, column: 20 };
                let (grid, map) = Minimap::beside(area, shape, cursor, zoomed);
                let map = map.unwrap();
                assert_eq!(area.intersection(map.area), map.area, "{map:?}");
                assert!(grid.area.right() < map.area.x && grid.cell(30, 20).is_some());
                for component in 0..shape.components() {
                    let (layer, column) = (component / (shape.heads + 1), component % (shape.heads + 1));
                    let (x, y) = map.point(layer, column);
                    let at = Position::new(map.area.x + x as u16, map.area.y + y as u16 / 2);
                    let hit = map.hit(at).unwrap();
                    let (near, beside) = (hit / (shape.heads + 1), hit % (shape.heads + 1));
                    assert!(near.abs_diff(layer) <= 2 * map.pooled.0 && beside.abs_diff(column) <= map.pooled.1);
                }
            }
        }
    }

    #[test]
    fn a_map_that_shows_all_has_no_minimap() {
        for (shape, width, height) in [(Shape { layers: 8, heads: 8, labels: 2 }, 41, 18), (MIDDLE, 72, 35)] {
            assert_eq!(Minimap::beside(Rect::new(0, 0, width, height), shape, Cursor::default(), false).1, None);
        }
    }

    #[test]
    fn a_point_shows_the_most_extreme_component_and_the_window_is_marked() {
        let cursor = Cursor { layer: 0, column: 0 };
        let area = Rect::new(0, 0, 41, 18);
        let (grid, map) = Minimap::beside(area, LARGE, cursor, true);
        let map = map.unwrap();
        let mut values = vec![Some(0.0); LARGE.components()];
        values[79 * 65 + 64] = Some(-1.0);
        let theme = &Theme::built_in(Depth::None).unwrap()[0];
        let mut buf = Buffer::empty(area);
        map.draw(&mut buf, theme, (&values, SCALE), &grid, cursor);
        assert_eq!(buf[(map.area.right() - 1, map.area.y)].symbol(), "·");
        assert_eq!(buf[(map.area.x + 1, map.area.y)].symbol(), "▒");
        assert_eq!(buf[(map.area.x, map.area.bottom() - 1)].symbol(), "◆");
        assert_eq!(buf[(map.area.x - 1, map.area.bottom() - 1)].symbol(), "┃");
        assert_eq!(buf[(map.area.x - 1, map.area.y)].symbol(), " ");
    }
}
