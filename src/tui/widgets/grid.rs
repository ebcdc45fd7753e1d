//! Position of each component on the screen, for drawing the map and for the mouse.

use ratatui::layout::{Position, Rect};

use crate::{app::state::Cursor, component::Shape};

/// Most rows of a cell.
const TALLEST: u16 = 6;

/// Columns of a cell with room for a number and a sign, and most columns of an enlarged cell.
const READABLE: u16 = 4;
const WIDEST: u16 = 12;

/// Cells of a map of layers (rows, layer 0 at the bottom) by heads and MLP (columns).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Area of the map: one ruler row, then cells.
    pub area: Rect,
    /// Columns of the ruler of layers.
    pub ruler: u16,
    /// Columns and rows from one cell to the next.
    pub pitch: (u16, u16),
    /// Visible layers: the lowest, and their number.
    pub layers: (usize, usize),
    /// Visible columns: the first, and their number.
    pub columns: (usize, usize),
    /// Heads of a layer; the MLP is the column after the last.
    pub heads: usize,
}

impl Grid {
    /// Fits the map of `shape` into `area` with the largest cells possible; if it does not fit, shows the part around
    /// the cursor.
    pub fn fit(area: Rect, shape: Shape, cursor: Cursor) -> Self {
        let ruler = digits(shape.layers.saturating_sub(1)) + 2;
        let (rows, width) = (area.height.saturating_sub(1), area.width.saturating_sub(ruler + 2));
        let columns = shape.heads + 1;
        let tall = (rows / clamp(shape.layers)).clamp(1, TALLEST);
        let wide = (width / clamp(columns)).clamp(1, (2 * tall).max(4));
        let layers = window(shape.layers, usize::from(rows / tall), cursor.layer);
        let columns = window(columns, usize::from(width / wide), cursor.column);
        Self { area, ruler, pitch: (wide, tall), layers, columns, heads: shape.heads }
    }

    /// Same as [`fit`](Self::fit), or, `zoomed`, with cells large enough for numbers and signs, twice as large if those of
    /// [`fit`](Self::fit) are.
    pub fn view(area: Rect, shape: Shape, cursor: Cursor, zoomed: bool) -> Self {
        let fitted = Self::fit(area, shape, cursor);
        let (wide, tall) = fitted.pitch;
        if !zoomed {
            return fitted;
        }
        let pitch = if wide < READABLE { (READABLE, tall) } else { ((2 * wide).min(WIDEST), (2 * tall).min(TALLEST)) };
        let (rows, width) = (area.height.saturating_sub(1), area.width.saturating_sub(fitted.ruler + 2));
        let layers = window(shape.layers, usize::from(rows / pitch.1), cursor.layer);
        let columns = window(shape.heads + 1, usize::from(width / pitch.0), cursor.column);
        Self { pitch, layers, columns, ..fitted }
    }

    /// Returns the width of a map of `shape` with cells of this width.
    pub fn width(shape: Shape, cell: u16) -> u16 {
        digits(shape.layers.saturating_sub(1)) + 4 + clamp(shape.heads + 1).saturating_mul(cell)
    }

    /// Returns whether there is an empty column between cells.
    pub const fn has_gap(&self) -> bool {
        self.pitch.0 >= 5 || (self.pitch.0 == 4 && self.pitch.1 >= 2)
    }

    /// Returns the cell of a component, without the empty column; `None` if it is not visible.
    pub fn cell(&self, layer: usize, column: usize) -> Option<Rect> {
        let above = (self.layers.0 + self.layers.1).checked_sub(layer + 1)?;
        let right = column.checked_sub(self.columns.0)?;
        if above >= self.layers.1 || right >= self.columns.1 {
            return None;
        }
        let (wide, tall) = self.pitch;
        let mlp = u16::from(column == self.heads);
        let x = self.area.x + self.ruler + 1 + right as u16 * wide + mlp;
        let y = self.area.y + 1 + above as u16 * tall;
        Some(Rect { x, y, width: wide - u16::from(self.has_gap()), height: tall }.intersection(self.area))
    }

    /// Returns layer and column of all visible cells.
    pub fn visible(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let layers = self.layers.0..self.layers.0 + self.layers.1;
        let columns = self.columns.0..self.columns.0 + self.columns.1;
        layers.flat_map(move |layer| columns.clone().map(move |column| (layer, column)))
    }

    /// Returns the layer and column at a position on the screen.
    pub fn hit(&self, at: Position) -> Option<(usize, usize)> {
        let within = |&(layer, column): &(usize, usize)| {
            let cell = self.cell(layer, column).unwrap_or_default();
            Rect { width: self.pitch.0, ..cell }.contains(at)
        };
        self.visible().find(within)
    }

    /// Returns the rows of the cells and the ruler.
    pub const fn height(&self) -> u16 {
        1 + self.layers.1 as u16 * self.pitch.1
    }
}

fn clamp(count: usize) -> u16 {
    u16::try_from(count.max(1)).unwrap_or(u16::MAX)
}

fn digits(number: usize) -> u16 {
    number.checked_ilog10().unwrap_or(0) as u16 + 1
}

/// Returns the first and the number of visible items of `count`, with `at` in the middle if possible.
fn window(count: usize, room: usize, at: usize) -> (usize, usize) {
    let shown = count.min(room.max(1));
    (at.saturating_sub(shown / 2).min(count - shown), shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Shape = Shape { layers: 8, heads: 8, labels: 2 };
    const LARGE: Shape = Shape { layers: 80, heads: 64, labels: 2 };

    fn grid(shape: Shape, width: u16, height: u16, layer: usize, column: usize) -> Grid {
        Grid::fit(Rect::new(3, 2, width, height), shape, Cursor { layer, column })
    }

    #[test]
    fn cells_grow_with_the_room() {
        for (width, height, pitch) in [(41, 17, (4, 2)), (72, 35, (7, 4)), (120, 55, (12, 6)), (24, 10, (2, 1))] {
            assert_eq!(grid(SMALL, width, height, 0, 0).pitch, pitch, "{width}×{height}");
        }
    }

    #[test]
    fn cells_are_inside_the_area_disjoint_and_can_be_hit() {
        for (shape, width, height) in [(SMALL, 41, 17), (SMALL, 120, 55), (LARGE, 60, 20), (LARGE, 200, 90)] {
            let grid = grid(shape, width, height, 40, 30);
            let mut seen = std::collections::HashSet::new();
            for layer in 0..shape.layers {
                for column in 0..=shape.heads {
                    let Some(cell) = grid.cell(layer, column) else { continue };
                    assert!(grid.area.intersection(cell) == cell && !cell.is_empty());
                    assert!(cell.positions().all(|at| seen.insert(at)), "{layer} {column}");
                    assert_eq!(grid.hit(Position::new(cell.x, cell.y)), Some((layer, column)));
                }
            }
            assert!(!seen.is_empty());
        }
    }

    #[test]
    fn a_large_map_scrolls_to_the_cursor() {
        for (layer, column) in [(0, 0), (79, 64), (40, 31), (79, 0)] {
            assert!(grid(LARGE, 40, 20, layer, column).cell(layer, column).is_some());
        }
        let bottom = grid(SMALL, 41, 17, 0, 0);
        assert!(bottom.cell(0, 0).unwrap().y > bottom.cell(7, 0).unwrap().y, "layer 0 is at the bottom");
    }
}
