//! Cursor movement, shared by all lists.

use crate::app::action::Action;

/// Returns how many rows an action moves in a list with pages of `page` rows; `None` if it is not a movement.
pub const fn rows_of(action: Action, page: usize) -> Option<isize> {
    match action {
        Action::Down => Some(1),
        Action::Up => Some(-1),
        Action::PageDown => Some(page as isize),
        Action::PageUp => Some(-(page as isize)),
        Action::Top => Some(isize::MIN),
        Action::Bottom => Some(isize::MAX),
        _ => None,
    }
}

/// Same as [`rows_of`] for a list beside a map, where `up` and `down` move the cursor of the map.
pub const fn rows_beside_map(action: Action, page: usize) -> Option<isize> {
    match action {
        Action::ListDown => Some(1),
        Action::ListUp => Some(-1),
        Action::PageDown | Action::PageUp => rows_of(action, page),
        _ => None,
    }
}

/// Returns the row `rows` below row `at`, clamped to a list of `count` rows.
pub fn moved(at: usize, rows: isize, count: usize) -> usize {
    let last = count.saturating_sub(1);
    at.min(last).saturating_add_signed(rows).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_stops_at_both_ends() {
        for (at, action, count, expected) in [
            (0, Action::Up, 5, 0),
            (4, Action::Down, 5, 4),
            (1, Action::PageDown, 5, 4),
            (3, Action::PageUp, 9, 0),
            (2, Action::Bottom, 9, 8),
            (2, Action::Top, 9, 0),
            (7, Action::Up, 3, 1),
            (0, Action::Down, 0, 0),
        ] {
            assert_eq!(moved(at, rows_of(action, 4).unwrap(), count), expected, "{action:?} from {at} of {count}");
        }
        assert_eq!((rows_of(Action::ListDown, 4), rows_beside_map(Action::Down, 4)), (None, None));
    }
}
