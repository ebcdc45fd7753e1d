//! Scrolling of lists: visible rows, and the row at a position.

use ratatui::layout::{Position, Rect};

/// Returns the first visible row of a list of `count` rows with room for `room`; row `at` is in the middle if possible.
pub fn first_row(count: usize, room: usize, at: usize) -> usize {
    at.saturating_sub(room / 2).min(count.saturating_sub(room))
}

/// Most first ranks that stay visible above the rows around the cursor.
const FIRST_RANKS: usize = 5;

/// Returns the visible ranks of a ranking of `count` with room for `room` rows: the first ranks, and those around rank
/// `at`; `None` is a row that stands for the ranks between them.
pub fn visible_ranks(count: usize, room: usize, at: usize) -> Vec<Option<usize>> {
    let all = |from: usize, rows: usize| (from..(from + rows).min(count)).map(Some);
    if count <= room || at < room {
        return all(0, room).collect();
    }
    let pinned = (room / 3).min(FIRST_RANKS);
    if pinned == 0 {
        return all(first_row(count, room, at), room).collect();
    }
    let rest = room - pinned - 1;
    all(0, pinned).chain([None]).chain(all(first_row(count, rest, at), rest)).collect()
}

/// Returns the rank at `place` of a ranking drawn in `rows` with the cursor on rank `at`.
pub fn rank_at(rows: Rect, count: usize, at: usize, place: Position) -> Option<usize> {
    let row = usize::from(place.y.saturating_sub(rows.y));
    *visible_ranks(count, rows.height.into(), at).get(row).filter(|_| rows.contains(place))?
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
    fn a_ranking_shows_its_first_ranks_and_those_around_the_cursor() {
        for (count, room, at) in
            [(3, 5, 2), (72, 19, 0), (72, 19, 18), (72, 19, 19), (72, 19, 71), (90, 2, 50), (90, 6, 88)]
        {
            let shown = visible_ranks(count, room, at);
            assert_eq!(shown.len(), count.min(room), "{count} {room} {at}");
            assert!(shown.contains(&Some(at)) && (room < 3 || shown[0] == Some(0)), "{shown:?}");
            let known: Vec<usize> = shown.iter().copied().flatten().collect();
            assert!(known.is_sorted_by(|a, b| a < b), "{shown:?}");
            let rows = Rect::new(1, 2, 5, room as u16);
            for (y, rank) in shown.into_iter().enumerate() {
                assert_eq!(rank_at(rows, count, at, Position::new(1, 2 + y as u16)), rank);
            }
            assert_eq!(rank_at(rows, count, at, Position::new(0, 2)), None);
        }
    }

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
