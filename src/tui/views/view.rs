//! Interface of a screen: how it is drawn, and what is at each position.

use ratatui::{buffer::Buffer, layout::Position};

use crate::{
    app::{Action, State, state::mixer::Dragged},
    tui::layout::{self, Layout},
};

use super::draw_context::DrawContext;

/// View of a screen. Its functions read the state and change nothing.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Draws the part between header and status line.
    pub draw: fn(&mut Buffer, Layout, DrawContext<'_>),
    /// Returns the actions for the footer, the most useful first.
    pub hints: fn(&State) -> &'static [Action],
    /// Returns the rows of one page of the list.
    pub page: fn(Layout, &State) -> u16,
    /// Returns what is at a position.
    pub target: fn(Layout, &State, Position) -> Option<Target>,
    /// Returns the actions of the wheel at a position, for down and up.
    pub wheel: fn(Layout, &State, Position) -> [Action; 2],
    /// Action of the right button, after it moved the cursor to its position.
    pub right_button: Option<Action>,
}

/// Something on a screen that the mouse can act on, with the function that selects it.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// A row or cell with its number; the cursor follows the mouse to it.
    Place(fn(&mut State, usize), usize),
    /// One that reacts to presses only; the function returns the action that follows, if any.
    Button(fn(&mut State, usize) -> Option<Action>, usize),
    /// A fader or slider that is dragged.
    Handle(Dragged),
}

/// Wheel actions that move the cursor.
pub const CURSOR: [Action; 2] = [Action::Down, Action::Up];

/// Wheel actions that scroll a list beside a map.
pub(super) const LIST: [Action; 2] = [Action::ListDown, Action::ListUp];

impl View {
    /// Returns a view without mouse targets: a page is half a screen, and the wheel moves the cursor.
    pub const fn new(draw: fn(&mut Buffer, Layout, DrawContext<'_>), hints: fn(&State) -> &'static [Action]) -> Self {
        Self {
            draw,
            hints,
            page: |layout, _| layout::body(layout.area).height / 2,
            target: |_, _, _| None,
            wheel: |_, _, _| CURSOR,
            right_button: None,
        }
    }
}
