//! Scrolling of lists: visible rows, and the row at a position.

use ratatui::layout::{Position, Rect};

/// Returns the first visible row of a list of `count` rows with room for `room`; row `at` is in the middle if possible.
pub fn first_row(count: usize, room: usize, at: usize) -> usize {
    at.saturating_sub(room / 2).min(count.saturating_sub(room))
}

/// Returns the row at `place` of a list of `count` rows drawn in `rows` with the cursor on row `at`.
pub fn row_at(rows: Rect, count: usize, at: usize, place: Position) -> Option<usize> {
    let row = first_row(count, rows.height.into(), at) + usize::from(place.y.saturating_sub(rows.y));
    (rows.contains(place) && row < count).then_some(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clicks_hit_the_row_that_is_drawn() {
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
