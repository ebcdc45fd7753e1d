//! Mouse: clicks move the cursor, the wheel moves what is under the pointer, faders and sliders are dragged.
//!
//! Each screen defines its targets in its [`View`](super::views::View).

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::app::{
    Action, Effect, State,
    state::mixer::Dragged,
    update::{mixer, selection::select_channel, update},
};

use super::{
    clicks,
    layout::{
        Layout,
        mixer::{MixerLayout, share},
    },
    views::{CURSOR, Target, view_of},
};

/// Handles a mouse event.
pub fn mouse(state: &mut State, screen: Rect, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    let Some(layout) = Layout::new(screen, state) else { return Vec::new() };
    let free = state.overlay.is_none();
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            let handled = clicks::click(state, layout, at);
            return handled.unwrap_or_else(|| if free { press(state, layout, at) } else { Vec::new() });
        }
        MouseEventKind::Drag(MouseButton::Left) if state.fit_controls.dragged.is_some() => drag(state, screen, at),
        MouseEventKind::Up(MouseButton::Left) => mixer::end_drag(state),
        MouseEventKind::Drag(MouseButton::Left) if free => point(state, layout, at),
        MouseEventKind::Down(MouseButton::Right) if free => {
            point(state, layout, at);
            let then = view_of(state.screen).right_button;
            return then.map_or_else(Vec::new, |action| update(state, action));
        }
        MouseEventKind::ScrollDown => return wheel(state, layout, at, |[down, _]| down),
        MouseEventKind::ScrollUp => return wheel(state, layout, at, |[_, up]| up),
        _ => {}
    }
    Vec::new()
}

fn target(state: &State, layout: Layout, at: Position) -> Option<Target> {
    (view_of(state.screen).target)(layout, state, at)
}

/// Moves the fader or slider under the pointer; elsewhere does the screen's own wheel action.
fn wheel(state: &mut State, layout: Layout, at: Position, turned: fn([Action; 2]) -> Action) -> Vec<Effect> {
    if state.overlay.is_some() {
        return update(state, turned(CURSOR));
    }
    let actions = match target(state, layout, at) {
        Some(Target::Handle(Dragged::Strength)) => [Action::Weaker, Action::Stronger],
        Some(Target::Handle(Dragged::Fader(channel))) => {
            select_channel(state, channel);
            [Action::GainDown, Action::GainUp]
        }
        _ => (view_of(state.screen).wheel)(layout, state, at),
    };
    update(state, turned(actions))
}

/// Grabs a fader or a slider, presses a button, or moves the cursor.
fn press(state: &mut State, layout: Layout, at: Position) -> Vec<Effect> {
    match target(state, layout, at) {
        Some(Target::Handle(handle)) => {
            state.fit_controls.dragged = Some(handle);
            drag(state, layout.area, at);
        }
        Some(Target::Button(choose, index)) => {
            let then = choose(state, index);
            state.refresh();
            return then.map_or_else(Vec::new, |action| update(state, action));
        }
        _ => point(state, layout, at),
    }
    Vec::new()
}

/// Moves the grabbed fader or slider to the pointer.
fn drag(state: &mut State, screen: Rect, at: Position) {
    let places = MixerLayout::new(screen);
    match state.fit_controls.dragged {
        Some(Dragged::Fader(channel)) => mixer::drag(state, channel, share(places.track(0), at.x)),
        Some(Dragged::Strength) => mixer::drag_strength(state, share(places.slider(), at.x)),
        None => {}
    }
}

/// Moves the cursor to the target at a position.
fn point(state: &mut State, layout: Layout, at: Position) {
    if state.run().is_none() {
        return;
    }
    match target(state, layout, at) {
        Some(Target::Place(choose, index)) => choose(state, index),
        Some(Target::Handle(Dragged::Fader(channel))) => select_channel(state, channel),
        Some(Target::Handle(Dragged::Strength) | Target::Button(..)) | None => {}
    }
    state.refresh();
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;
    use crate::app::state::comparison::ComparisonView;
    use crate::{
        app::{
            Screen,
            tests::{fixture, harness::Harness},
        },
        tui::{
            layout::{self, compare::Sides, crosstab::crosstab, list_rows, map_cells},
            widgets::grid::Grid,
        },
    };

    const SCREEN: Rect = Rect::new(0, 0, 80, 24);
    const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
    const DRAG: MouseEventKind = MouseEventKind::Drag(MouseButton::Left);
    const RELEASE: MouseEventKind = MouseEventKind::Up(MouseButton::Left);

    fn send(harness: &mut Harness, kind: MouseEventKind, column: u16, row: u16) {
        mouse(&mut harness.state, SCREEN, MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    }

    #[test]
    fn clicks_move_the_cursor() {
        let mut harness = Harness::finished(40);
        let layout = Layout::new(SCREEN, &harness.state).unwrap();
        let cell = Grid::fit(map_cells(layout.map), fixture::SHAPE, harness.state.cursor).cell(3, 5).unwrap();
        send(&mut harness, CLICK, cell.x, cell.y);
        assert_eq!(harness.state.selected_name().unwrap().to_string(), "L3.H5");
        let rows = list_rows(layout.examples, true);
        send(&mut harness, CLICK, rows.x, rows.y + 2);
        assert_eq!(harness.state.example_list.at, 2);
        send(&mut harness, MouseEventKind::ScrollDown, rows.x, rows.y);
        assert_eq!(harness.state.example_list.at, 3);
        send(&mut harness, MouseEventKind::ScrollUp, cell.x, cell.y);
        assert_eq!(harness.state.selected_name().unwrap().to_string(), "L4.H5");
        send(&mut harness, MouseEventKind::Down(MouseButton::Right), cell.x, cell.y);
        assert_eq!(harness.state.targets(), [3 * 9 + 5]);
    }

    #[test]
    fn a_fader_follows_the_mouse_until_release() {
        let mut harness = Harness::finished(40);
        harness.keys("d g");
        let track = MixerLayout::new(SCREEN).track(4);
        let channel = harness.state.channels().nth(4).unwrap();
        send(&mut harness, CLICK, track.right() - 1, track.y);
        let gain = |harness: &Harness| harness.state.run().unwrap().mixer.gain(channel);
        assert!((gain(&harness) - 2.0).abs() < 1e-12);
        send(&mut harness, DRAG, track.x, track.y + 3);
        assert!(gain(&harness).abs() < 1e-12, "the row does not matter during a drag");
        assert_eq!(harness.state.channel(), Some(channel));
        send(&mut harness, RELEASE, track.x, track.y);
        send(&mut harness, DRAG, track.right() - 1, track.y);
        assert!(gain(&harness).abs() < 1e-12, "nothing is dragged after release");
        harness.keys("u");
        assert!((gain(&harness) - 1.0).abs() < 1e-12, "a drag is one change");
        send(&mut harness, MouseEventKind::ScrollUp, track.x, MixerLayout::new(SCREEN).track(0).y);
        assert!(
            (harness.state.run().unwrap().mixer.rest() - 1.25).abs() < 1e-12,
            "the wheel moves the fader under the pointer"
        );
    }

    #[test]
    fn the_slider_moves_along_the_path() {
        let mut harness = Harness::finished(40);
        harness.keys("d w");
        let slider = MixerLayout::new(SCREEN).slider();
        let at = |harness: &Harness| harness.state.run().unwrap().path.as_ref().unwrap().at;
        send(&mut harness, CLICK, slider.x, slider.y);
        assert_eq!(at(&harness), 0);
        send(&mut harness, DRAG, slider.right() + 9, slider.y);
        assert_eq!(at(&harness), 12);
        send(&mut harness, RELEASE, slider.x, slider.y);
        send(&mut harness, MouseEventKind::ScrollUp, slider.x, slider.y);
        assert_eq!(at(&harness), 11);
    }

    #[test]
    fn rows_of_runs_and_demonstrations_are_clicked() {
        let mut harness = Harness::finished(40);
        harness.keys("p");
        let rows = layout::editing(SCREEN, 4).rows();
        send(&mut harness, CLICK, rows.x, rows.y + 2);
        assert_eq!(harness.state.editor.as_ref().unwrap().at, 2);
        send(&mut harness, CLICK, rows.x, rows.bottom());
        send(&mut harness, MouseEventKind::ScrollUp, rows.x, rows.bottom() + 4);
        let editor = harness.state.editor.as_ref().unwrap();
        assert_eq!((editor.at, editor.scroll), (2, 4), "the wheel scrolls the prompt under the pointer");
        harness.keys("R");
        let rows = layout::runs_list(SCREEN);
        send(&mut harness, CLICK, rows.x, rows.y + 3);
        assert_eq!(harness.state.run_list.at, 3);
        send(&mut harness, CLICK, rows.x, rows.y + 9);
        assert_eq!(harness.state.run_list.at, 3);
    }

    #[test]
    fn flipped_examples_and_pairs_of_runs_are_clicked() {
        let mut harness = Harness::finished(48);
        harness.keys("s");
        harness.run_to_end(48);
        harness.keys("c");
        let flips = Sides::new(SCREEN, harness.shape, ComparisonView::Maps, 4).flips();
        assert!(harness.state.comparison.as_ref().unwrap().flips.len() > 1);
        send(&mut harness, CLICK, flips.x, flips.y + 1);
        assert_eq!(harness.state.flip, 1);
        harness.keys("esc M");
        let cells = crosstab(SCREEN, 2, (0, 1)).cells;
        for kind in [CLICK, DRAG] {
            send(&mut harness, kind, cells.x, cells.y + 1);
            assert_eq!((harness.state.matrix.at, harness.state.screen), ((1, 0), Screen::Matrix));
        }
        send(&mut harness, CLICK, cells.x, cells.y + 1);
        assert_eq!(harness.state.screen, Screen::Compare, "a second click opens the pair");
    }
}
