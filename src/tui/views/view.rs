//! What a screen says of itself: how it is drawn, and what lies where on it.

use ratatui::{buffer::Buffer, layout::Position};

use crate::{
    app::{Action, State, state::mixer::Held},
    tui::layout::{self, Layout},
};

use super::draw_context::DrawContext;

/// The view of a screen. All of its functions read the state and change nothing.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Draws what lies between header and status line.
    pub draw: fn(&mut Buffer, Layout, DrawContext<'_>),
    /// Actions for the footer, in order of use.
    pub hints: fn(&State) -> &'static [Action],
    /// Rows of one page of what is listed.
    pub page: fn(Layout, &State) -> u16,
    /// What lies at a place.
    pub target: fn(Layout, &State, Position) -> Option<Target>,
    /// What the wheel does over a place when it is turned down, and up.
    pub wheel: fn(Layout, &State, Position) -> [Action; 2],
    /// What the right button does after it went to what lies at its place.
    pub right_button: Option<Action>,
}

/// Something on a screen that the mouse can act on, with the function of the state that takes it.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// A row or cell of this number, to which the cursor follows the mouse.
    Place(fn(&mut State, usize), usize),
    /// One that is taken by a press only; the function names the action that follows, if one does.
    Button(fn(&mut State, usize) -> Option<Action>, usize),
    /// A fader or slider that is dragged.
    Handle(Held),
}

/// The wheel over what follows the cursor.
pub const CURSOR: [Action; 2] = [Action::Down, Action::Up];

/// The wheel over a list beside a map.
pub(super) const LIST: [Action; 2] = [Action::ListDown, Action::ListUp];

impl View {
    /// A view on which nothing is clicked: its pages are half a screen, and the wheel moves the cursor.
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
