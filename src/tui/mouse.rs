//! What the mouse does: a click goes there, the wheel moves what it turns over, faders and sliders are dragged.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::{
    app::{
        Action, Effect, State,
        state::{Screen, mixer::Held, selection::rows},
        update::{mixer, update},
    },
    component::Shape,
};

use super::{
    clicks,
    layout::{
        self, Layout, Sides, list_rows, map_cells,
        mixer::{Mixing, first_row, share},
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
        MouseEventKind::Down(MouseButton::Left) if free && state.screen == Screen::Mix => grip(state, screen, at),
        MouseEventKind::Drag(MouseButton::Left) if state.mixer.held.is_some() => drag(state, screen, at),
        MouseEventKind::Up(MouseButton::Left) => mixer::let_go(state),
        MouseEventKind::Down(MouseButton::Left) | MouseEventKind::Drag(MouseButton::Left) if free => {
            point(state, screen, layout, at);
        }
        MouseEventKind::Down(MouseButton::Right) if free => {
            point(state, screen, layout, at);
            if matches!(state.screen, Screen::Map | Screen::Mix) {
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
    if state.overlay.is_none() && state.screen == Screen::Mix {
        let places = Mixing::of(screen);
        if places.slider().contains(at) {
            return update(state, choose(Action::Weaker, Action::Stronger));
        }
        if let Some(strip) = strip_at(state, places, at).filter(|_| on_track(places, at)) {
            mixer::select_strip(state, strip);
            return update(state, choose(Action::GainDown, Action::GainUp));
        }
    }
    let list = match state.screen {
        Screen::Map => layout.examples,
        Screen::Examples => layout::examples(screen)[0],
        Screen::Compare => Sides::of(screen, shape(state)).facts,
        Screen::Mix | Screen::Prompt | Screen::Cause | Screen::Matrix | Screen::Runs => Rect::default(),
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
    state.sheet().map_or(Shape { layers: 1, heads: 1, labels: 2 }, |sheet| sheet.shape)
}

/// The strip of the desk in the row at a place on the screen.
fn strip_at(state: &State, places: Mixing, at: Position) -> Option<usize> {
    let strips: Vec<usize> = state.strips().collect();
    let here = strips.iter().position(|&strip| Some(strip) == state.strip()).unwrap_or(0);
    let first = first_row(strips.len(), places.rows.height.into(), here);
    strips.get(first + places.row(at)?).copied()
}

fn on_track(places: Mixing, at: Position) -> bool {
    places.row(at).is_some_and(|row| places.track(row as u16).contains(at))
}

/// Takes hold of a fader or of the slider, or goes to a strip.
fn grip(state: &mut State, screen: Rect, at: Position) {
    let places = Mixing::of(screen);
    if places.slider().contains(at) {
        state.mixer.held = Some(Held::Strength);
    } else if let Some(strip) = strip_at(state, places, at) {
        if on_track(places, at) {
            state.mixer.held = Some(Held::Fader(strip));
        }
        let on_same_row = state.strip() == Some(strip);
        if !on_same_row && state.mixer.held.is_none() {
            mixer::select_strip(state, strip);
        }
    }
    drag(state, screen, at);
}

/// Moves what is held to where the mouse is.
fn drag(state: &mut State, screen: Rect, at: Position) {
    let places = Mixing::of(screen);
    match state.mixer.held {
        Some(Held::Fader(strip)) => mixer::drag(state, strip, share(places.track(0), at.x)),
        Some(Held::Strength) => mixer::drag_strength(state, share(places.slider(), at.x)),
        None => {}
    }
}

/// Goes to what lies at a place on the screen.
fn point(state: &mut State, screen: Rect, layout: Layout, at: Position) {
    if state.sheet().is_none() {
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
    if state.screen == Screen::Mix
        && let Some(strip) = strip_at(state, Mixing::of(screen), at)
    {
        mixer::select_strip(state, strip);
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
        let first = state.listing.first(rows.height.into());
        state.listing.go(first + usize::from(at.y - rows.y));
    }
    state.refresh();
}

/// Goes to the row of a list of runs or demonstrations.
fn choose_row(state: &mut State, screen: Rect, at: Position) {
    let (rows, count, here) = match (state.screen, &state.editor) {
        (Screen::Runs, _) => (layout::runs_list(screen), rows(state).len(), state.shelf.at),
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
        _ => state.shelf.at = chosen,
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
        assert_eq!(bench.state.listing.at, 2);
        does(&mut bench, MouseEventKind::ScrollDown, rows.x, rows.y);
        assert_eq!(bench.state.listing.at, 3);
        does(&mut bench, MouseEventKind::ScrollUp, cell.x, cell.y);
        assert_eq!(bench.state.selected_name().unwrap().to_string(), "L4.H5");
        does(&mut bench, MouseEventKind::Down(MouseButton::Right), cell.x, cell.y);
        assert_eq!(bench.state.targets(), [3 * 9 + 5]);
    }

    #[test]
    fn a_fader_follows_the_mouse_until_it_is_let_go() {
        let mut bench = Bench::finished(40);
        bench.keys("d g");
        let track = Mixing::of(SCREEN).track(4);
        let strip = bench.state.strips().nth(4).unwrap();
        does(&mut bench, CLICK, track.right() - 1, track.y);
        let gain = |bench: &Bench| bench.state.sheet().unwrap().desk.gain(strip);
        assert!((gain(&bench) - 2.0).abs() < 1e-12);
        does(&mut bench, DRAG, track.x, track.y + 3);
        assert!(gain(&bench).abs() < 1e-12, "the row does not matter while it is held");
        assert_eq!(bench.state.strip(), Some(strip));
        does(&mut bench, LET_GO, track.x, track.y);
        does(&mut bench, DRAG, track.right() - 1, track.y);
        assert!(gain(&bench).abs() < 1e-12, "nothing is held any more");
        bench.keys("u");
        assert!((gain(&bench) - 1.0).abs() < 1e-12, "the movement is one change");
        does(&mut bench, MouseEventKind::ScrollUp, track.x, Mixing::of(SCREEN).track(0).y);
        assert!((bench.state.sheet().unwrap().desk.rest() - 1.25).abs() < 1e-12, "the wheel moves what it turns over");
    }

    #[test]
    fn the_slider_goes_along_the_path() {
        let mut bench = Bench::finished(40);
        bench.keys("d w");
        let slider = Mixing::of(SCREEN).slider();
        let at = |bench: &Bench| bench.state.sheet().unwrap().path.as_ref().unwrap().at;
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
        assert_eq!(bench.state.shelf.at, 3);
        does(&mut bench, CLICK, rows.x, rows.y + 9);
        assert_eq!(bench.state.shelf.at, 3);
    }
}
