//! What the mouse does: a click goes there, the wheel moves what it turns over, faders and sliders are dragged.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::{
    app::{
        Action, Effect, State,
        state::{Screen, mixer::Held, selection::rows},
        update::{mixer, selection::select_channel, update},
    },
    component::Shape,
};

use super::{
    clicks,
    layout::{
        self, Layout, Sides, list_rows, map_cells,
        mixer::{MixerLayout, first_row, share},
        side_cells,
    },
    widgets::grid::Grid,
};

/// Takes in what the mouse did.
pub fn mouse(state: &mut State, screen: Rect, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    let Some(layout) = Layout::of(screen, state) else { return Vec::new() };
    let free = state.overlay.is_none();
    if event.kind == MouseEventKind::Down(MouseButton::Left)
        && let Some(effects) = clicks::click(state, screen, layout, at)
    {
        return effects;
    }
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) if free && state.screen == Screen::Mixer => grip(state, screen, at),
        MouseEventKind::Drag(MouseButton::Left) if state.fit_controls.held.is_some() => drag(state, screen, at),
        MouseEventKind::Up(MouseButton::Left) => mixer::let_go(state),
        MouseEventKind::Down(MouseButton::Left) | MouseEventKind::Drag(MouseButton::Left) if free => {
            point(state, screen, layout, at);
        }
        MouseEventKind::Down(MouseButton::Right) if free => {
            point(state, screen, layout, at);
            if matches!(state.screen, Screen::Map | Screen::Mixer) {
                return update(state, Action::Mark);
            }
        }
        MouseEventKind::ScrollDown => return wheel(state, screen, layout, at, true),
        MouseEventKind::ScrollUp => return wheel(state, screen, layout, at, false),
        _ => {}
    }
    Vec::new()
}

/// Over a fader or the slider it moves that; elsewhere the list or the layers, whichever is under it.
fn wheel(state: &mut State, screen: Rect, layout: Layout, at: Position, down: bool) -> Vec<Effect> {
    let choose = |if_down, if_up| if down { if_down } else { if_up };
    if state.overlay.is_none() && state.screen == Screen::Mixer {
        let places = MixerLayout::of(screen);
        if places.slider().contains(at) {
            return update(state, choose(Action::Weaker, Action::Stronger));
        }
        if let Some(channel) = strip_at(state, places, at).filter(|_| on_track(places, at)) {
            select_channel(state, channel);
            return update(state, choose(Action::GainDown, Action::GainUp));
        }
    }
    let list = match state.screen {
        Screen::Map => layout.examples,
        Screen::Examples => layout::examples(screen)[0],
        Screen::Compare => Sides::of(screen, shape(state)).facts,
        Screen::Mixer | Screen::Prompt | Screen::Experiments | Screen::Matrix | Screen::Runs => Rect::default(),
    };
    let listed = state.overlay.is_none() && (list.contains(at) || state.screen == Screen::Examples);
    let prompt = state.editor.as_ref().filter(|_| state.overlay.is_none() && state.screen == Screen::Prompt);
    if prompt.is_some_and(|editor| layout::editing(screen, editor.demos.len()).text.contains(at)) {
        return update(state, choose(Action::PageDown, Action::PageUp));
    }
    let action = if listed { choose(Action::ListDown, Action::ListUp) } else { choose(Action::Down, Action::Up) };
    update(state, action)
}

fn shape(state: &State) -> Shape {
    state.run().map_or(Shape { layers: 1, heads: 1, labels: 2 }, |run| run.shape)
}

/// The channel of the mixer in the row at a place on the screen.
fn strip_at(state: &State, places: MixerLayout, at: Position) -> Option<usize> {
    let channels: Vec<usize> = state.channels().collect();
    let here = channels.iter().position(|&channel| Some(channel) == state.channel()).unwrap_or(0);
    let first = first_row(channels.len(), places.rows.height.into(), here);
    channels.get(first + places.row(at)?).copied()
}

fn on_track(places: MixerLayout, at: Position) -> bool {
    places.row(at).is_some_and(|row| places.track(row as u16).contains(at))
}

/// Takes hold of a fader or of the slider, or goes to a channel.
fn grip(state: &mut State, screen: Rect, at: Position) {
    let places = MixerLayout::of(screen);
    if places.slider().contains(at) {
        state.fit_controls.held = Some(Held::Strength);
    } else if let Some(channel) = strip_at(state, places, at) {
        if on_track(places, at) {
            state.fit_controls.held = Some(Held::Fader(channel));
        }
        let on_same_row = state.channel() == Some(channel);
        if !on_same_row && state.fit_controls.held.is_none() {
            select_channel(state, channel);
        }
    }
    drag(state, screen, at);
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
fn point(state: &mut State, screen: Rect, layout: Layout, at: Position) {
    if state.run().is_none() {
        return;
    }
    let shape = shape(state);
    let grids = match state.screen {
        Screen::Map if !state.ranked => vec![map_cells(layout.map)],
        Screen::Compare => Sides::of(screen, shape).maps.map(side_cells).to_vec(),
        _ => Vec::new(),
    };
    let hit = grids.into_iter().find_map(|area| Grid::fit(area, shape, state.cursor).hit(at));
    if let Some((layer, column)) = hit {
        state.select(layer * (shape.heads + 1) + column);
    }
    if state.screen == Screen::Mixer
        && let Some(channel) = strip_at(state, MixerLayout::of(screen), at)
    {
        select_channel(state, channel);
    }
    if state.screen == Screen::Compare {
        clicks::choose_flip(state, Sides::of(screen, shape).flips(), at);
    }
    choose_row(state, screen, at);
    let rows = match state.screen {
        Screen::Map => list_rows(layout.examples, true),
        Screen::Examples => list_rows(layout::examples(screen)[0], false),
        _ => Rect::default(),
    };
    if rows.contains(at) {
        let first = state.example_list.first(rows.height.into());
        state.example_list.go(first + usize::from(at.y - rows.y));
    }
    state.refresh();
}

/// Goes to the row of a list of runs or demonstrations.
fn choose_row(state: &mut State, screen: Rect, at: Position) {
    let (rows, count, here) = match (state.screen, &state.editor) {
        (Screen::Runs, _) => (layout::runs_list(screen), rows(state).len(), state.run_list.at),
        (Screen::Prompt, Some(editor)) => {
            (layout::editing(screen, editor.demos.len()).rows(), editor.demos.len(), editor.at)
        }
        _ => return,
    };
    let chosen = first_row(count, rows.height.into(), here) + usize::from(at.y.saturating_sub(rows.y));
    if !rows.contains(at) || chosen >= count {
        return;
    }
    match &mut state.editor {
        Some(editor) if state.screen == Screen::Prompt => editor.at = chosen,
        _ => state.run_list.at = chosen,
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;
    use crate::app::tests::{fixture, harness::Bench};

    const SCREEN: Rect = Rect::new(0, 0, 80, 24);
    const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
    const DRAG: MouseEventKind = MouseEventKind::Drag(MouseButton::Left);
    const LET_GO: MouseEventKind = MouseEventKind::Up(MouseButton::Left);

    fn does(bench: &mut Bench, kind: MouseEventKind, column: u16, row: u16) {
        mouse(&mut bench.state, SCREEN, MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    }

    #[test]
    fn clicks_go_where_they_point() {
        let mut bench = Bench::finished(40);
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
        let mut bench = Bench::finished(40);
        bench.keys("d g");
        let track = MixerLayout::of(SCREEN).track(4);
        let channel = bench.state.channels().nth(4).unwrap();
        does(&mut bench, CLICK, track.right() - 1, track.y);
        let gain = |bench: &Bench| bench.state.run().unwrap().mixer.gain(channel);
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
        let mut bench = Bench::finished(40);
        bench.keys("d w");
        let slider = MixerLayout::of(SCREEN).slider();
        let at = |bench: &Bench| bench.state.run().unwrap().path.as_ref().unwrap().at;
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
        let mut bench = Bench::finished(40);
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
}
