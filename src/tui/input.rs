//! What the terminal says, in the words of the keymap.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use crate::app::{Action, Effect, Key, State, update};

use super::{
    layout::{Layout, map_cells},
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

/// A click goes to a component; the wheel moves the list or the layers, whatever it turns over.
pub fn mouse(state: &mut State, screen: Rect, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    let (Some(layout), Some(shape)) = (Layout::of(screen, state), state.sheet().map(|sheet| sheet.shape)) else {
        return Vec::new();
    };
    if state.overlay.is_some() {
        return match event.kind {
            MouseEventKind::ScrollDown => update(state, Action::Down),
            MouseEventKind::ScrollUp => update(state, Action::Up),
            _ => Vec::new(),
        };
    }
    let grid = Grid::fit(map_cells(layout.map), shape, state.cursor);
    let list = layout.examples.contains(at);
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) | MouseEventKind::Drag(MouseButton::Left) => {
            if let Some((layer, column)) = grid.hit(at) {
                state.select(layer * (shape.heads + 1) + column);
            }
            Vec::new()
        }
        MouseEventKind::ScrollDown => update(state, if list { Action::ListDown } else { Action::Down }),
        MouseEventKind::ScrollUp => update(state, if list { Action::ListUp } else { Action::Up }),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
