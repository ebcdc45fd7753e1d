//! Layout of the screen as a function of its size, shared by drawing and the mouse.

pub mod bars;
mod body;
pub mod compare;
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

/// Smallest supported screen.
pub const LEAST: Size = Size { width: 72, height: 20 };

/// Least width of the panes beside the map.
const SIDE: u16 = 34;

/// Rows of the panes for the selected component (without labels) and for the mix.
const COMPONENT: u16 = 7;
const MIX: u16 = 5;

/// Areas of the map screen and of the bars on every screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Whole screen.
    pub area: Rect,
    /// Header.
    pub header: Rect,
    /// Map with rulers and legend.
    pub map: Rect,
    /// Selected component.
    pub component: Rect,
    /// Mix.
    pub mix: Rect,
    /// Examples.
    pub examples: Rect,
    /// Progress, notices and exactness.
    pub status: Rect,
    /// Footer with keys.
    pub footer: Rect,
}

impl Layout {
    /// Returns the layout for a screen, or `None` if it is too small.
    pub fn new(area: Rect, state: &State) -> Option<Self> {
        if area.width < LEAST.width || area.height < LEAST.height {
            return None;
        }
        let row = |y: u16| Rect { y, height: 1, ..area };
        let body = body(area);
        let shape = state.run().map_or(Shape { layers: 8, heads: 8, labels: 2 }, |run| run.shape);
        let width = map_width(body, shape, state.zoomed);
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

/// Returns the rows of the list of runs: below title and heading, above the two lines at the bottom.
pub fn runs_list(area: Rect) -> Rect {
    let body = body(area);
    Rect { x: body.x + 1, y: body.y + 2, width: body.width - 2, height: body.height.saturating_sub(5) }
}

impl Editing {
    /// Returns the rows of the demonstrations, below the title and above the hint.
    pub const fn rows(&self) -> Rect {
        Rect { y: self.demos.y + 1, height: self.demos.height.saturating_sub(2), ..self.demos }
    }
}

/// Layout of the prompt screen: demonstrations above, the whole prompt below, the user's text on the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Editing {
    /// Demonstrations, with title and hint.
    pub demos: Rect,
    /// Prompt as the model reads it.
    pub text: Rect,
    /// The user's text.
    pub own: Rect,
}

/// Returns the layout of the prompt screen for this number of demonstrations.
pub fn editing(area: Rect, demos: usize) -> Editing {
    let [left, own] = examples(Rect { width: area.width, ..area });
    let [left, own] = [Rect { width: left.width.max(area.width / 2), ..left }, own];
    let own = Rect { x: left.right() + 2, width: own.right().saturating_sub(left.right() + 2), ..own };
    let rows = u16::try_from(demos.max(1)).unwrap_or(u16::MAX).saturating_add(2);
    let height = rows.min(left.height / 2);
    let below = Rect { y: left.y + height, height: left.height - height, ..left };
    Editing { demos: Rect { height, ..left }, text: below, own }
}

/// Returns an area of at most `size` in the middle of `area`.
pub fn popup(area: Rect, size: (u16, u16)) -> Rect {
    let (width, height) = (size.0.min(area.width), size.1.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Returns the popup of the help and of the messages.
pub fn help(body: Rect) -> Rect {
    popup(body, (84, body.height))
}

/// Returns the popup of the palette.
pub fn palette(body: Rect) -> Rect {
    popup(body, (130.min(body.width.saturating_sub(4)), body.height.saturating_sub(2).min(28)))
}

/// Returns the popup that lists the pool.
pub fn pool(body: Rect) -> Rect {
    popup(body, (body.width.saturating_sub(8).min(100), body.height.saturating_sub(2).min(24)))
}

/// Returns the inside of a popup.
pub const fn inside(popup: Rect) -> Rect {
    Rect {
        x: popup.x + 2,
        y: popup.y + 1,
        width: popup.width.saturating_sub(4),
        height: popup.height.saturating_sub(2),
    }
}

/// Returns the rows of the list in a popup, below the input line.
pub const fn choices(popup: Rect) -> Rect {
    let inside = inside(popup);
    Rect { y: inside.y + 2, height: inside.height.saturating_sub(2), ..inside }
}

/// Rows below the list of the palette: an empty one, and two for the chosen entry in full.
const DESCRIBED: u16 = 3;

/// Returns the rows of the list in the palette, below the input line and above the chosen entry in full.
pub const fn palette_choices(popup: Rect) -> Rect {
    let rows = choices(popup);
    Rect { height: rows.height.saturating_sub(DESCRIBED), ..rows }
}

/// Returns the rows of the chosen entry of the palette in full.
pub const fn palette_described(popup: Rect) -> Rect {
    let (rows, list) = (choices(popup), palette_choices(popup));
    Rect { y: list.y + list.height + 1, height: (rows.height - list.height).saturating_sub(1), ..rows }
}

/// Returns the areas of the list of examples (left) and of the selected example (right).
pub fn examples(area: Rect) -> [Rect; 2] {
    let body = body(area);
    let width = (body.width / 2).clamp(30, 110);
    let list = Rect { x: body.x + 1, width: width - 1, ..body };
    [list, Rect { x: body.x + width + 2, width: body.width - width - 3, ..body }]
}

/// Returns the rows of a list of examples: with details, above the two lines for the selected example if they fit;
/// without, below the column names.
pub fn list_rows(list: Rect, with_detail: bool) -> Rect {
    let inside = Rect { y: list.y + 1, height: list.height.saturating_sub(1), ..list };
    let detail = if with_detail && inside.height >= 6 { 2 } else { 0 };
    let heads = u16::from(!with_detail && inside.height > 0);
    Rect { y: inside.y + heads, height: inside.height - detail - heads, ..inside }
}

/// Returns the width of the map: as wide as its cells need, but at most three fifths of the screen, and at least `SIDE`
/// columns remain beside it. An enlarged map takes all that it may.
fn map_width(body: Rect, shape: Shape, zoomed: bool) -> u16 {
    let cells = |height: u16| Grid::fit(Rect { width: u16::MAX, height, ..body }, shape, Cursor::default()).pitch.0;
    let wanted = Grid::width(shape, cells(map_cells(body).height)) + 1;
    let most = (body.width * 3 / 5).max(44).max(Grid::width(shape, 2).saturating_add(2));
    let wanted = if zoomed { most } else { wanted };
    wanted.max(40).min(most).min(body.width - SIDE - 3)
}

/// Returns the area of the cells of a map: below its title, above its legend.
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
            let l = Layout::new(area, &state).unwrap();
            let all = [l.header, l.map, l.component, l.mix, l.examples, l.status, l.footer];
            for (i, a) in all.iter().enumerate() {
                assert_eq!(area.intersection(*a), *a, "{width}×{height} {i}");
                assert!(all[i + 1..].iter().all(|b| a.intersection(*b).is_empty()), "{width}×{height} {i}");
            }
        }
        assert_eq!(Layout::new(Rect::new(0, 0, 71, 24), &state), None);
    }
}
