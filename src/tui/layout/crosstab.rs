//! Layout of the matrix of runs; it scrolls with the cursor.

use ratatui::layout::{Position, Rect};

use super::{body, list::first_row};

/// Columns of a cell.
pub const CELL: u16 = 6;

/// Columns before the cells, for the letters of the rows.
const BEFORE: u16 = 3;

/// Fewest columns after the cells, for the names of the rows.
const NAMES: u16 = 26;

/// Rows below the cells, for the pair under the cursor.
const BELOW: u16 = 5;

/// Layout of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crosstab {
    /// Area between header and status line.
    pub inner: Rect,
    /// Visible cells.
    pub cells: Rect,
    /// First visible row and column.
    pub first: (usize, usize),
    /// Number of visible rows and columns.
    pub shown: (usize, usize),
}

/// Returns the layout for `count` runs with the cursor `at` a row and a column.
pub fn crosstab(area: Rect, count: usize, at: (usize, usize)) -> Crosstab {
    let body = body(area);
    let inner = Rect { x: body.x + 1, width: body.width - 2, ..body };
    let fit = |room: u16, size: u16| count.min(usize::from((room / size).max(1)));
    let columns = fit(inner.width.saturating_sub(BEFORE + NAMES), CELL);
    let rows = fit(inner.height.saturating_sub(2 + BELOW), 1);
    let cells = Rect { x: inner.x + BEFORE, y: inner.y + 2, width: columns as u16 * CELL, height: rows as u16 }
        .intersection(inner);
    let first = (first_row(count, rows, at.0), first_row(count, columns, at.1));
    Crosstab { inner, cells, first, shown: (rows, columns) }
}

impl Crosstab {
    /// Returns the row and column at a position on the screen.
    pub fn hit(&self, at: Position) -> Option<(usize, usize)> {
        let row = self.first.0 + usize::from(at.y.saturating_sub(self.cells.y));
        let column = self.first.1 + usize::from(at.x.saturating_sub(self.cells.x) / CELL);
        self.cells.contains(at).then_some((row, column))
    }

    /// Returns the area of a visible cell.
    pub fn cell(&self, row: usize, column: usize) -> Rect {
        let (y, x) = ((row - self.first.0) as u16, (column - self.first.1) as u16);
        Rect { x: self.cells.x + x * CELL, y: self.cells.y + y, width: CELL - 1, height: 1 }
    }

    /// Returns the visible rows.
    pub fn rows(&self) -> std::ops::Range<usize> {
        self.first.0..self.first.0 + self.shown.0
    }

    /// Returns the visible columns.
    pub fn columns(&self) -> std::ops::Range<usize> {
        self.first.1..self.first.1 + self.shown.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_visible_and_every_cell_can_be_hit() {
        for (width, height) in [(72, 20), (80, 24), (200, 60)] {
            for (count, at) in [(2, (0, 1)), (12, (11, 0)), (40, (39, 39)), (40, (0, 20))] {
                let table = crosstab(Rect::new(0, 0, width, height), count, at);
                assert!(table.rows().contains(&at.0) && table.columns().contains(&at.1), "{width} {count} {at:?}");
                for (row, column) in table.rows().flat_map(|row| table.columns().map(move |column| (row, column))) {
                    let place = table.cell(row, column);
                    assert_eq!(table.hit(place.as_position()), Some((row, column)));
                    assert_eq!(table.inner.intersection(place), place);
                }
                assert!(table.cells.right() + NAMES <= table.inner.right() + 1);
            }
        }
    }
}
