//! Which rows of a long list are in sight, and which of them lies under the mouse.

use ratatui::layout::{Position, Rect};

/// The first row that is shown of a list of `count` with room for `room`: the chosen one stays in the middle.
pub fn first_row(count: usize, room: usize, at: usize) -> usize {
    at.saturating_sub(room / 2).min(count.saturating_sub(room))
}

/// The row at `place` of a list of `count` that is drawn in `rows` with its cursor on row `at`.
pub fn row_at(rows: Rect, count: usize, at: usize, place: Position) -> Option<usize> {
    let row = first_row(count, rows.height.into(), at) + usize::from(place.y.saturating_sub(rows.y));
    (rows.contains(place) && row < count).then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_that_is_drawn_is_the_row_that_is_clicked() {
        let rows = Rect::new(4, 2, 10, 5);
        for (count, at) in [(3, 0), (5, 4), (20, 0), (20, 10), (20, 19)] {
            let first = first_row(count, 5, at);
            assert!((first..first + 5).contains(&at), "{count} {at}");
            for y in 0..5 {
                let row = Some(first + y).filter(|&row| row < count);
                assert_eq!(row_at(rows, count, at, Position::new(4, 2 + y as u16)), row, "{count} {at} {y}");
            }
            assert_eq!(row_at(rows, count, at, Position::new(3, 2)), None);
        }
    }
}
