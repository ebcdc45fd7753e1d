//! Converts terminal keys to keys of the keymap.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::app::Key;

/// Returns the key, or `None` if it was released or has no name.
pub fn key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let (ctrl, alt) = (event.modifiers.contains(KeyModifiers::CONTROL), event.modifiers.contains(KeyModifiers::ALT));
    let plain = match event.code {
        KeyCode::Char(character) if ctrl => Key::char(character.to_ascii_lowercase()),
        KeyCode::Char(character) => Key::char(character),
        KeyCode::F(number) => Key::named(&format!("f{number}"))?,
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
        _ => return None,
    })
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
            (KeyCode::F(12), KeyModifiers::CONTROL, "ctrl-f12"),
        ] {
            assert_eq!(key(KeyEvent::new(code, modifiers)), Some(text.parse().unwrap()), "{text}");
        }
        assert_eq!(key(KeyEvent::new(KeyCode::CapsLock, KeyModifiers::NONE)), None);
    }
}
