//! Where everything is on the screen: one function of its size, for drawing and for the mouse.

pub mod bars;
mod body;
pub mod crosstab;
pub mod list;
pub mod mixer;

pub use body::body;

use ratatui::layout::{Rect, Size};

use crate::{
    app::{State, state::Cursor},
    component::Shape,
};

use super::widgets::grid::Grid;

/// The smallest screen on which everything has its place.
pub const LEAST: Size = Size { width: 72, height: 20 };

/// Least width of the panes beside the map.
const SIDE: u16 = 34;

/// Rows of the pane on the selected component, and of the mix.
const COMPONENT: u16 = 7;
const MIX: u16 = 5;

/// The places of all panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The whole screen.
    pub area: Rect,
    /// What is looked at.
    pub header: Rect,
    /// The map with its rulers and legend.
    pub map: Rect,
    /// The selected component.
    pub component: Rect,
    /// The mix.
    pub mix: Rect,
    /// The examples.
    pub examples: Rect,
    /// Progress, notices and exactness.
    pub status: Rect,
    /// Keys.
    pub footer: Rect,
}

impl Layout {
    /// The places on a screen, or `None` if it is too small.
    pub fn of(area: Rect, state: &State) -> Option<Self> {
        if area.width < LEAST.width || area.height < LEAST.height {
            return None;
        }
        let row = |y: u16| Rect { y, height: 1, ..area };
        let body = body(area);
        let shape = state.run().map_or(Shape { layers: 8, heads: 8, labels: 2 }, |run| run.shape);
        let width = map_width(body, shape);
        let map = Rect { x: body.x + 1, width: width - 1, ..body };
        let side = Rect { x: body.x + width + 2, width: body.width - width - 3, ..body };
        let labels = shape.labels.min(6) as u16;
        let roomy = body.height >= 34;
        let more = if roomy { labels + 2 } else { 0 };
        let component = if state.detail { side } else { Rect { height: COMPONENT + labels + more, ..side } };
        let mix = Rect { y: component.bottom(), height: MIX, ..side }.intersection(body);
        let examples = Rect { y: mix.bottom(), height: body.bottom().saturating_sub(mix.bottom()), ..side };
        Some(Self {
            area,
            header: row(area.y),
            map,
            component,
            mix,
            examples: examples.intersection(body),
            status: row(area.bottom() - 2),
            footer: row(area.bottom() - 1),
        })
    }
}

/// The rows of the list of runs: below title and heading, above what is said about the chosen one.
pub fn runs_list(area: Rect) -> Rect {
    let body = body(area);
    Rect { x: body.x + 1, y: body.y + 2, width: body.width - 2, height: body.height.saturating_sub(5) }
}

impl Editing {
    /// The rows of the demonstrations, below the title and above the hint.
    pub const fn rows(&self) -> Rect {
        Rect { y: self.demos.y + 1, height: self.demos.height.saturating_sub(2), ..self.demos }
    }
}

/// Where the prompt is edited: demonstrations above, the whole text below, a text of one's own on the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Editing {
    /// The demonstrations, with title and hint.
    pub demos: Rect,
    /// The prompt as the model reads it.
    pub text: Rect,
    /// The text of one's own.
    pub own: Rect,
}

/// The places of the prompt screen with so many demonstrations.
pub fn editing(area: Rect, demos: usize) -> Editing {
    let [left, own] = examples(Rect { width: area.width, ..area });
    let [left, own] = [Rect { width: left.width.max(area.width / 2), ..left }, own];
    let own = Rect { x: left.right() + 2, width: own.right().saturating_sub(left.right() + 2), ..own };
    let rows = u16::try_from(demos.max(1)).unwrap_or(u16::MAX).saturating_add(2);
    let height = rows.min(left.height / 2);
    let below = Rect { y: left.y + height, height: left.height - height, ..left };
    Editing { demos: Rect { height, ..left }, text: below, own }
}

/// A box of at most `size` in the middle of `area`.
pub fn popup(area: Rect, size: (u16, u16)) -> Rect {
    let (width, height) = (size.0.min(area.width), size.1.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// The box of the palette.
pub fn palette(body: Rect) -> Rect {
    popup(body, (72.min(body.width.saturating_sub(4)), 18))
}

/// The box in which an example of the pool is chosen.
pub fn pool(body: Rect) -> Rect {
    popup(body, (body.width.saturating_sub(8).min(100), body.height.saturating_sub(2).min(24)))
}

/// What is inside a box.
pub const fn inside(popup: Rect) -> Rect {
    Rect {
        x: popup.x + 2,
        y: popup.y + 1,
        width: popup.width.saturating_sub(4),
        height: popup.height.saturating_sub(2),
    }
}

/// The rows of a list in a box, below the line that is typed.
pub const fn choices(popup: Rect) -> Rect {
    let inside = inside(popup);
    Rect { y: inside.y + 2, height: inside.height.saturating_sub(2), ..inside }
}

/// The list of examples on the left and the one that is opened on the right.
pub fn examples(area: Rect) -> [Rect; 2] {
    let body = body(area);
    let width = (body.width / 2).clamp(30, 110);
    let list = Rect { x: body.x + 1, width: width - 1, ..body };
    [list, Rect { x: body.x + width + 2, width: body.width - width - 3, ..body }]
}

/// The rows of a list of examples: below its title; above the two lines on the chosen one if they fit where there are
/// some, below the names of the columns where there are none.
pub fn list_rows(list: Rect, with_detail: bool) -> Rect {
    let inside = Rect { y: list.y + 1, height: list.height.saturating_sub(1), ..list };
    let detail = if with_detail && inside.height >= 6 { 2 } else { 0 };
    let heads = u16::from(!with_detail && inside.height > 0);
    Rect { y: inside.y + heads, height: inside.height - detail - heads, ..inside }
}

/// Where two runs are compared: three maps above; the scatter and the flipped examples below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// Left run, right run, and their difference.
    pub maps: [Rect; 3],
    /// One accuracy against the other.
    pub scatter: Rect,
    /// How alike they are, and what flipped.
    pub facts: Rect,
}

impl Sides {
    /// The places on a screen.
    pub fn of(area: Rect, shape: Shape) -> Self {
        let body = body(area);
        let inner = Rect { x: body.x + 1, width: body.width - 2, ..body };
        let layers = u16::try_from(shape.layers).unwrap_or(u16::MAX);
        let wanted = layers.saturating_mul((body.height * 3 / 5 / layers.max(1)).clamp(1, 4)).saturating_add(3);
        let top = wanted.min(body.height - 9);
        let width = (inner.width - 4) / 3;
        let map = |index: u16| Rect { x: inner.x + index * (width + 2), width, height: top, ..inner };
        let below = Rect { y: inner.y + top, height: inner.height - top, ..inner };
        let scatter = Rect { width: (below.height * 2 + 6).min(inner.width / 3), ..below };
        let facts = Rect { x: scatter.right() + 2, width: inner.width - scatter.width - 2, ..below };
        Self { maps: [map(0), map(1), map(2)], scatter, facts }
    }

    /// The rows of the flipped examples: below two titles and two lines on the runs, above the line on who moved one.
    pub const fn flips(&self) -> Rect {
        Rect { y: self.facts.y + 4, height: self.facts.height.saturating_sub(5), ..self.facts }
    }
}

/// Where the cells of one of three maps are: below its title, above its scale.
pub fn side_cells(map: Rect) -> Rect {
    Rect { y: map.y + 1, height: map.height.saturating_sub(2), ..map }
}

/// As wide as its cells want, but three fifths of the screen at most, and no more than leaves the side its room.
fn map_width(body: Rect, shape: Shape) -> u16 {
    let cells = |height: u16| Grid::fit(Rect { width: u16::MAX, height, ..body }, shape, Cursor::default()).pitch.0;
    let wanted = Grid::width(shape, cells(map_cells(body).height)) + 1;
    let most = (body.width * 3 / 5).max(44).max(Grid::width(shape, 2).saturating_add(2));
    wanted.max(40).min(most).min(body.width - SIDE - 3)
}

/// Where the cells of a map are: below its title, above its legend.
pub fn map_cells(map: Rect) -> Rect {
    Rect { y: map.y + 1, height: map.height.saturating_sub(4), ..map }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Keymap, keymap::DEFAULT};

    #[test]
    fn panes_never_overlap_or_leave_the_screen() {
        let state = State::new(Keymap::parse(DEFAULT).unwrap(), Vec::new());
        for (width, height) in [(72, 20), (80, 24), (120, 40), (200, 60), (72, 100), (400, 20)] {
            let area = Rect::new(0, 0, width, height);
            let l = Layout::of(area, &state).unwrap();
            let all = [l.header, l.map, l.component, l.mix, l.examples, l.status, l.footer];
            for (i, a) in all.iter().enumerate() {
                assert_eq!(area.intersection(*a), *a, "{width}×{height} {i}");
                assert!(all[i + 1..].iter().all(|b| a.intersection(*b).is_empty()), "{width}×{height} {i}");
            }
        }
        assert_eq!(Layout::of(Rect::new(0, 0, 71, 24), &state), None);
    }

    #[test]
    fn sides_never_overlap_or_leave_the_screen() {
        for (width, height) in [(72, 20), (80, 24), (120, 40), (200, 60)] {
            for layers in [1, 8, 80] {
                let area = Rect::new(0, 0, width, height);
                let sides = Sides::of(area, Shape { layers, heads: 8, labels: 2 });
                let all = [sides.maps[0], sides.maps[1], sides.maps[2], sides.scatter, sides.facts];
                for (i, a) in all.iter().enumerate() {
                    assert_eq!(body(area).intersection(*a), *a, "{width}×{height} {i}");
                    assert!(all[i + 1..].iter().all(|b| a.intersection(*b).is_empty()), "{width}×{height} {i}");
                }
            }
        }
    }
}
