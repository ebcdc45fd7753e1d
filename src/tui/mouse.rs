//! What the mouse does: a click goes there, the wheel moves what it turns over, faders and sliders are dragged.
//!
//! What lies where, each screen says in its [`View`](super::views::View).

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::app::{
    Action, Effect, State,
    state::mixer::Held,
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

/// Takes in what the mouse did.
pub fn mouse(state: &mut State, screen: Rect, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    let Some(layout) = Layout::of(screen, state) else { return Vec::new() };
    let free = state.overlay.is_none();
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            let on_top = clicks::click(state, layout, at);
            return on_top.unwrap_or_else(|| if free { press(state, layout, at) } else { Vec::new() });
        }
        MouseEventKind::Drag(MouseButton::Left) if state.fit_controls.held.is_some() => drag(state, screen, at),
        MouseEventKind::Up(MouseButton::Left) => mixer::let_go(state),
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

/// Over a fader or the slider the wheel moves that; elsewhere what the screen says.
fn wheel(state: &mut State, layout: Layout, at: Position, turned: fn([Action; 2]) -> Action) -> Vec<Effect> {
    if state.overlay.is_some() {
        return update(state, turned(CURSOR));
    }
    let actions = match target(state, layout, at) {
        Some(Target::Handle(Held::Strength)) => [Action::Weaker, Action::Stronger],
        Some(Target::Handle(Held::Fader(channel))) => {
            select_channel(state, channel);
            [Action::GainDown, Action::GainUp]
        }
        _ => (view_of(state.screen).wheel)(layout, state, at),
    };
    update(state, turned(actions))
}

/// Takes hold of a fader or a slider, does what a button does, or goes to what lies there.
fn press(state: &mut State, layout: Layout, at: Position) -> Vec<Effect> {
    match target(state, layout, at) {
        Some(Target::Handle(handle)) => {
            state.fit_controls.held = Some(handle);
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

/// Moves what is held to where the mouse is.
fn drag(state: &mut State, screen: Rect, at: Position) {
    let places = MixerLayout::of(screen);
    match state.fit_controls.held {
        Some(Held::Fader(channel)) => mixer::drag(state, channel, share(places.track(0), at.x)),
        Some(Held::Strength) => mixer::drag_strength(state, share(places.slider(), at.x)),
        None => {}
    }
}

/// Goes to what lies at a place on the screen.
fn point(state: &mut State, layout: Layout, at: Position) {
    if state.run().is_none() {
        return;
    }
    match target(state, layout, at) {
        Some(Target::Place(choose, index)) => choose(state, index),
        Some(Target::Handle(Held::Fader(channel))) => select_channel(state, channel),
        Some(Target::Handle(Held::Strength) | Target::Button(..)) | None => {}
    }
    state.refresh();
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;
    use crate::{
        app::{
            Screen,
            tests::{fixture, harness::Harness},
        },
        tui::{
            layout::{self, Sides, crosstab::crosstab, list_rows, map_cells},
            widgets::grid::Grid,
        },
    };

    const SCREEN: Rect = Rect::new(0, 0, 80, 24);
    const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
    const DRAG: MouseEventKind = MouseEventKind::Drag(MouseButton::Left);
    const LET_GO: MouseEventKind = MouseEventKind::Up(MouseButton::Left);

    fn does(bench: &mut Harness, kind: MouseEventKind, column: u16, row: u16) {
        mouse(&mut bench.state, SCREEN, MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    }

    #[test]
    fn clicks_go_where_they_point() {
        let mut bench = Harness::finished(40);
        let layout = Layout::of(SCREEN, &bench.state).unwrap();
        let cell = Grid::fit(map_cells(layout.map), fixture::SHAPE, bench.state.cursor).cell(3, 5).unwrap();
        does(&mut bench, CLICK, cell.x, cell.y);
        assert_eq!(bench.state.selected_name().unwrap().to_string(), "L3.H5");
        let rows = list_rows(layout.examples, true);
        does(&mut bench, CLICK, rows.x, rows.y + 2);
        assert_eq!(bench.state.example_list.at, 2);
        does(&mut bench, MouseEventKind::ScrollDown, rows.x, rows.y);
        assert_eq!(bench.state.example_list.at, 3);
        does(&mut bench, MouseEventKind::ScrollUp, cell.x, cell.y);
        assert_eq!(bench.state.selected_name().unwrap().to_string(), "L4.H5");
        does(&mut bench, MouseEventKind::Down(MouseButton::Right), cell.x, cell.y);
        assert_eq!(bench.state.targets(), [3 * 9 + 5]);
    }

    #[test]
    fn a_fader_follows_the_mouse_until_it_is_let_go() {
        let mut bench = Harness::finished(40);
        bench.keys("d g");
        let track = MixerLayout::of(SCREEN).track(4);
        let channel = bench.state.channels().nth(4).unwrap();
        does(&mut bench, CLICK, track.right() - 1, track.y);
        let gain = |bench: &Harness| bench.state.run().unwrap().mixer.gain(channel);
        assert!((gain(&bench) - 2.0).abs() < 1e-12);
        does(&mut bench, DRAG, track.x, track.y + 3);
        assert!(gain(&bench).abs() < 1e-12, "the row does not matter while it is held");
        assert_eq!(bench.state.channel(), Some(channel));
        does(&mut bench, LET_GO, track.x, track.y);
        does(&mut bench, DRAG, track.right() - 1, track.y);
        assert!(gain(&bench).abs() < 1e-12, "nothing is held any more");
        bench.keys("u");
        assert!((gain(&bench) - 1.0).abs() < 1e-12, "the movement is one change");
        does(&mut bench, MouseEventKind::ScrollUp, track.x, MixerLayout::of(SCREEN).track(0).y);
        assert!((bench.state.run().unwrap().mixer.rest() - 1.25).abs() < 1e-12, "the wheel moves what it turns over");
    }

    #[test]
    fn the_slider_goes_along_the_path() {
        let mut bench = Harness::finished(40);
        bench.keys("d w");
        let slider = MixerLayout::of(SCREEN).slider();
        let at = |bench: &Harness| bench.state.run().unwrap().path.as_ref().unwrap().at;
        does(&mut bench, CLICK, slider.x, slider.y);
        assert_eq!(at(&bench), 0);
        does(&mut bench, DRAG, slider.right() + 9, slider.y);
        assert_eq!(at(&bench), 12);
        does(&mut bench, LET_GO, slider.x, slider.y);
        does(&mut bench, MouseEventKind::ScrollUp, slider.x, slider.y);
        assert_eq!(at(&bench), 11);
    }

    #[test]
    fn rows_of_runs_and_demonstrations_are_clicked() {
        let mut bench = Harness::finished(40);
        bench.keys("p");
        let rows = layout::editing(SCREEN, 4).rows();
        does(&mut bench, CLICK, rows.x, rows.y + 2);
        assert_eq!(bench.state.editor.as_ref().unwrap().at, 2);
        does(&mut bench, CLICK, rows.x, rows.bottom());
        does(&mut bench, MouseEventKind::ScrollUp, rows.x, rows.bottom() + 4);
        let editor = bench.state.editor.as_ref().unwrap();
        assert_eq!((editor.at, editor.scroll), (2, 4), "the wheel scrolls the prompt it turns over");
        bench.keys("R");
        let rows = layout::runs_list(SCREEN);
        does(&mut bench, CLICK, rows.x, rows.y + 3);
        assert_eq!(bench.state.run_list.at, 3);
        does(&mut bench, CLICK, rows.x, rows.y + 9);
        assert_eq!(bench.state.run_list.at, 3);
    }

    #[test]
    fn flipped_examples_and_pairs_of_runs_are_clicked() {
        let mut bench = Harness::finished(48);
        bench.keys("s");
        bench.run_to_end(48);
        bench.keys("c");
        let flips = Sides::of(SCREEN, bench.shape).flips();
        assert!(bench.state.comparison.as_ref().unwrap().flips.len() > 1);
        does(&mut bench, CLICK, flips.x, flips.y + 1);
        assert_eq!(bench.state.flip, 1);
        bench.keys("esc M");
        let cells = crosstab(SCREEN, 2, (0, 1)).cells;
        for kind in [CLICK, DRAG] {
            does(&mut bench, kind, cells.x, cells.y + 1);
            assert_eq!((bench.state.matrix.at, bench.state.screen), ((1, 0), Screen::Matrix));
        }
        does(&mut bench, CLICK, cells.x, cells.y + 1);
        assert_eq!(bench.state.screen, Screen::Compare, "a second click opens the pair");
    }
}
