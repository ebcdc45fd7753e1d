//! Layout of the comparison: maps, ranking or scatter on the left, the explanation on the right.

use ratatui::layout::Rect;

use crate::{app::state::comparison::ComparisonView, component::Shape};

use super::{super::widgets::grid::Grid, body};

/// Columns of a cell that keep its number apart from the next.
const CELL: u16 = 4;

/// Columns of a cell of a single map, if there is room.
const WIDE_CELL: u16 = 7;

/// Fewest columns of the explanation.
const RIGHT: u16 = 36;

/// Fewest columns of the explanation where the cells of the map need the room.
const LEAST_RIGHT: u16 = 27;

/// Fewest rows of a scatter below the maps.
const SCATTER: u16 = 11;

/// Rows of the names of the runs, their agreement, and the finding.
const HEAD: u16 = 4;

/// Least rows of an area with room for everything on the right.
const TALL: u16 = 30;

/// Whether the right side has room for the agreement of the runs.
pub const fn is_tall(area: Rect) -> bool {
    area.height >= TALL
}

/// Areas of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    /// The whole area.
    pub area: Rect,
    /// Maps of run A, run B and their difference; or of the difference alone; none in another view.
    pub maps: Vec<Rect>,
    /// Ranking of the components.
    pub ranking: Option<Rect>,
    /// Scatter plot.
    pub scatter: Option<Rect>,
    /// Names of the runs and their agreement.
    pub head: Rect,
    /// Demonstrations side by side.
    pub demos: Rect,
    /// Predicted labels.
    pub labels: Rect,
    /// Components that moved all flips.
    pub movers: Rect,
    /// Flipped examples, with title.
    pub flips_pane: Rect,
}

impl Sides {
    /// Returns the layout for a screen and this number of demonstrations.
    pub fn new(area: Rect, shape: Shape, view: ComparisonView, demos: usize) -> Self {
        let body = body(area);
        let inner = Rect { x: body.x + 1, width: body.width - 2, ..body };
        let least = RIGHT.max(inner.width * 2 / 5);
        let map = Grid::width(shape, CELL) + 1;
        let three = map.saturating_mul(3).saturating_add(4);
        let left = if three.saturating_add(2 + least) <= inner.width {
            three
        } else {
            let wanted = Grid::width(shape, WIDE_CELL).max(30).min(inner.width - least - 2);
            wanted.max(Grid::width(shape, CELL).min(inner.width - LEAST_RIGHT - 2))
        };
        let left_area = Rect { width: left, ..inner };
        let right = Rect { x: inner.x + left + 2, width: inner.width - left - 2, ..inner };
        let count = if left == three { 3 } else { 1 };
        let (maps, ranking, scatter) = match view {
            ComparisonView::Maps => {
                let (top, scatter) = with_scatter(left_area, shape);
                (split(top, count), None, scatter)
            }
            ComparisonView::Ranking => (Vec::new(), Some(left_area), None),
            ComparisonView::Scatter => (Vec::new(), None, Some(left_area)),
        };
        let [head, demos, labels, movers, flips_pane] = stacked(right, shape.labels, demos);
        Self { area: inner, maps, ranking, scatter, head, demos, labels, movers, flips_pane }
    }

    /// Returns the rows of the flipped examples: below the title, above the line of components.
    pub const fn flips(&self) -> Rect {
        let pane = self.flips_pane;
        Rect { y: pane.y + 1, height: pane.height.saturating_sub(2), ..pane }
    }
}

/// Returns the areas of the maps and of a scatter below them, if there is room for both.
fn with_scatter(area: Rect, shape: Shape) -> (Rect, Option<Rect>) {
    let layers = u16::try_from(shape.layers).unwrap_or(u16::MAX);
    let wanted = layers.saturating_mul((area.height * 3 / 5 / layers.max(1)).clamp(1, 4)).saturating_add(4);
    if wanted.saturating_add(SCATTER) > area.height {
        return (area, None);
    }
    let below = Rect { y: area.y + wanted, height: area.height - wanted, ..area };
    (Rect { height: wanted, ..area }, Some(below))
}

/// Returns `count` areas side by side, two columns apart.
fn split(area: Rect, count: u16) -> Vec<Rect> {
    let width = (area.width - 2 * (count - 1)) / count;
    (0..count).map(|index| Rect { x: area.x + index * (width + 2), width, ..area }).collect()
}

/// Returns the panes of the explanation, from top to bottom. Demonstrations and labels take the rows that they need, up
/// to a share of the screen; movers and flips share the rest.
fn stacked(area: Rect, labels: usize, demos: usize) -> [Rect; 5] {
    let (tall, small) = (is_tall(area), |count: usize, most: u16| u16::try_from(count).unwrap_or(most).min(most));
    let head = HEAD - u16::from(!tall);
    let most = match area.height {
        30.. => 8,
        20.. => 4,
        _ => 2,
    };
    let demos = 1 + small(demos, most).max(1);
    let labels = 2 + small(labels, if tall { 6 } else { 4 });
    let rest = area.height.saturating_sub(head + demos + labels);
    let movers = (rest / 2).min(14);
    let mut y = area.y;
    [head, demos, labels, movers, rest - movers].map(|height| {
        let pane = Rect { y, height, ..area }.intersection(area);
        y += height;
        pane
    })
}

/// Returns the area of the cells of a map: below its title, above its scale.
pub fn side_cells(map: Rect) -> Rect {
    Rect { y: map.y + 1, height: map.height.saturating_sub(2), ..map }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_never_overlap_or_leave_the_screen_and_cells_are_wide_enough() {
        for (width, height) in [(72, 20), (80, 24), (120, 40), (200, 60)] {
            for (layers, heads) in [(1, 8), (8, 8), (18, 4), (80, 64)] {
                for view in [ComparisonView::Maps, ComparisonView::Ranking, ComparisonView::Scatter] {
                    let (area, shape) = (Rect::new(0, 0, width, height), Shape { layers, heads, labels: 4 });
                    let sides = Sides::new(area, shape, view, 24);
                    let mut all = vec![sides.head, sides.demos, sides.labels, sides.movers, sides.flips_pane];
                    all.extend(sides.maps.iter().copied().chain(sides.ranking).chain(sides.scatter));
                    for (i, a) in all.iter().enumerate() {
                        let what = format!("{width}×{height} {layers}×{heads} {view:?} {i}");
                        assert_eq!(body(area).intersection(*a), *a, "{what}");
                        assert!(all[i + 1..].iter().all(|b| a.intersection(*b).is_empty()), "{what}");
                    }
                    assert!(sides.flips().height >= 1 && sides.movers.height >= 2, "{width}×{height}");
                    if heads <= 8 {
                        let cursor = crate::app::state::Cursor::default();
                        for map in &sides.maps {
                            let grid = Grid::fit(side_cells(*map), shape, cursor);
                            assert!(grid.pitch.0 >= CELL && grid.columns.1 == heads + 1, "{width}×{height} {heads}");
                        }
                    }
                }
            }
        }
    }
}
