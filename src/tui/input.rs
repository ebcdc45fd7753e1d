//! What the terminal says, in the words of the keymap.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::app::{Action, Effect, Key, State, state::Screen, update};

use super::{
    layout::{self, Layout, Sides, list_rows, map_cells, side_cells},
    widgets::grid::Grid,
};

/// The key, unless it was only let go or has no name.
pub fn key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let (ctrl, alt) = (event.modifiers.contains(KeyModifiers::CONTROL), event.modifiers.contains(KeyModifiers::ALT));
    let plain = match event.code {
        KeyCode::Char(character) if ctrl => Key::char(character.to_ascii_lowercase()),
        KeyCode::Char(character) => Key::char(character),
        code => Key::named(name(code)?)?,
    };
    Some(Key { ctrl, alt, ..plain })
}

const fn name(code: KeyCode) -> Option<&'static str> {
    Some(match code {
        KeyCode::Left => "left",
        KeyCode::Right => "right",
        KeyCode::Up => "up",
        KeyCode::Down => "down",
        KeyCode::Enter => "enter",
        KeyCode::Esc => "esc",
        KeyCode::Tab => "tab",
        KeyCode::BackTab => "backtab",
        KeyCode::Backspace => "backspace",
        KeyCode::Delete => "delete",
        KeyCode::Insert => "insert",
        KeyCode::Home => "home",
        KeyCode::End => "end",
        KeyCode::PageUp => "pageup",
        KeyCode::PageDown => "pagedown",
        KeyCode::F(1) => "f1",
        _ => return None,
    })
}

/// A click goes to a component or an example; the wheel moves the list or the layers, whatever it turns over.
pub fn mouse(state: &mut State, screen: Rect, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    let Some(layout) = Layout::of(screen, state) else { return Vec::new() };
    let list = match state.screen {
        Screen::Map => layout.examples,
        Screen::Examples => layout::examples(screen)[0],
        Screen::Compare => state.sheet().map_or_else(Rect::default, |sheet| Sides::of(screen, sheet.shape).facts),
    };
    let listed = state.overlay.is_none() && (list.contains(at) || state.screen == Screen::Examples);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) | MouseEventKind::Drag(MouseButton::Left) => {
            if state.overlay.is_none() {
                point(state, screen, layout, at);
            }
            Vec::new()
        }
        MouseEventKind::ScrollDown => update(state, if listed { Action::ListDown } else { Action::Down }),
        MouseEventKind::ScrollUp => update(state, if listed { Action::ListUp } else { Action::Up }),
        _ => Vec::new(),
    }
}

/// Goes to what lies at a place on the screen.
fn point(state: &mut State, screen: Rect, layout: Layout, at: Position) {
    let Some(shape) = state.sheet().map(|sheet| sheet.shape) else { return };
    let grids = match state.screen {
        Screen::Map if !state.ranked => vec![map_cells(layout.map)],
        Screen::Compare => Sides::of(screen, shape).maps.map(side_cells).to_vec(),
        _ => Vec::new(),
    };
    let hit = grids.into_iter().find_map(|area| Grid::fit(area, shape, state.cursor).hit(at));
    if let Some((layer, column)) = hit {
        state.select(layer * (shape.heads + 1) + column);
    }
    let rows = match state.screen {
        Screen::Map => list_rows(layout.examples, true),
        Screen::Examples => list_rows(layout::examples(screen)[0], false),
        Screen::Compare => Rect::default(),
    };
    if rows.contains(at) {
        let first = state.listing.first(rows.height.into());
        state.listing.go(first + usize::from(at.y - rows.y));
    }
    state.refresh();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{bench::Bench, fixture};

    #[test]
    fn clicks_go_where_they_point() {
        let screen = Rect::new(0, 0, 80, 24);
        let mut bench = Bench::finished(40);
        let layout = Layout::of(screen, &bench.state).unwrap();
        let cell = Grid::fit(map_cells(layout.map), fixture::SHAPE, bench.state.cursor).cell(3, 5).unwrap();
        let event = |kind, x, y| MouseEvent { kind, column: x, row: y, modifiers: KeyModifiers::NONE };
        let click = MouseEventKind::Down(MouseButton::Left);
        mouse(&mut bench.state, screen, event(click, cell.x, cell.y));
        assert_eq!(bench.state.selected_name().unwrap().to_string(), "L3.H5");
        let rows = list_rows(layout.examples, true);
        mouse(&mut bench.state, screen, event(click, rows.x, rows.y + 2));
        assert_eq!(bench.state.listing.at, 2);
        mouse(&mut bench.state, screen, event(MouseEventKind::ScrollDown, rows.x, rows.y));
        assert_eq!(bench.state.listing.at, 3);
        mouse(&mut bench.state, screen, event(MouseEventKind::ScrollUp, cell.x, cell.y));
        assert_eq!(bench.state.selected_name().unwrap().to_string(), "L4.H5");
    }

    #[test]
    fn terminal_keys_are_keymap_keys() {
        for (code, modifiers, text) in [
            (KeyCode::Char('w'), KeyModifiers::NONE, "w"),
            (KeyCode::Char('T'), KeyModifiers::SHIFT, "T"),
            (KeyCode::Char('C'), KeyModifiers::CONTROL, "ctrl-c"),
            (KeyCode::Char(' '), KeyModifiers::NONE, "space"),
            (KeyCode::PageDown, KeyModifiers::NONE, "pagedown"),
            (KeyCode::Enter, KeyModifiers::ALT, "alt-enter"),
        ] {
            assert_eq!(key(KeyEvent::new(code, modifiers)), Some(text.parse().unwrap()), "{text}");
        }
        assert_eq!(key(KeyEvent::new(KeyCode::CapsLock, KeyModifiers::NONE)), None);
    }
}
