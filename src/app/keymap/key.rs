//! Keys in the notation of the keymap, independent of the terminal library.

use std::{fmt, str::FromStr};

/// A key without modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// A character as typed, shift included.
    Char(char),
    /// A key with a name.
    Named(&'static str),
}

/// Named keys, with the text shown in help.
const NAMED: [(&str, &str); 27] = [
    ("left", "←"),
    ("down", "↓"),
    ("up", "↑"),
    ("right", "→"),
    ("enter", "enter"),
    ("esc", "esc"),
    ("tab", "tab"),
    ("backtab", "shift-tab"),
    ("backspace", "backspace"),
    ("delete", "delete"),
    ("home", "home"),
    ("end", "end"),
    ("pageup", "pgup"),
    ("pagedown", "pgdn"),
    ("insert", "insert"),
    ("f1", "f1"),
    ("f2", "f2"),
    ("f3", "f3"),
    ("f4", "f4"),
    ("f5", "f5"),
    ("f6", "f6"),
    ("f7", "f7"),
    ("f8", "f8"),
    ("f9", "f9"),
    ("f10", "f10"),
    ("f11", "f11"),
    ("f12", "f12"),
];

/// A key with its modifiers, written `x`, `X`, `space`, `ctrl-c`, `alt-enter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The key itself.
    pub code: Code,
    /// Whether control was held.
    pub ctrl: bool,
    /// Whether alt was held.
    pub alt: bool,
}

/// Error for a text that is not a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key: use a character or a name such as space, left or pageup, optionally after ctrl- or alt-")]
pub struct ParseKeyError(String);

impl Key {
    /// Creates the key of a character, without modifiers.
    pub const fn char(character: char) -> Self {
        Self { code: Code::Char(character), ctrl: false, alt: false }
    }

    /// Returns the key of this name, without modifiers.
    pub fn named(name: &str) -> Option<Self> {
        let &(name, _) = NAMED.iter().find(|(known, _)| *known == name)?;
        Some(Self { code: Code::Named(name), ctrl: false, alt: false })
    }
}

impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let modifier = |rest: &mut &str, prefix: &str| {
            let stripped = rest.strip_prefix(prefix).filter(|left| !left.is_empty());
            *rest = stripped.unwrap_or(rest);
            stripped.is_some()
        };
        let mut rest = text;
        let (ctrl, alt) = (modifier(&mut rest, "ctrl-"), modifier(&mut rest, "alt-"));
        let mut chars = rest.chars();
        let plain = match (chars.next(), chars.next()) {
            (Some(character), None) => Self::char(character),
            _ if rest == "space" => Self::char(' '),
            _ => Self::named(rest).ok_or_else(|| ParseKeyError(text.to_owned()))?,
        };
        Ok(Self { ctrl, alt, ..plain })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        text.push_str(if self.ctrl { "ctrl-" } else { "" });
        text.push_str(if self.alt { "alt-" } else { "" });
        match self.code {
            Code::Char(' ') => text.push_str("space"),
            Code::Char(character) => text.push(character),
            Code::Named(name) => {
                text.push_str(NAMED.iter().find(|(known, _)| *known == name).map_or(name, |(_, shown)| shown));
            }
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_parsed_and_displayed() {
        for (text, shown) in [
            ("x", "x"),
            ("X", "X"),
            ("space", "space"),
            ("ctrl-c", "ctrl-c"),
            ("left", "←"),
            ("alt-enter", "alt-enter"),
            ("-", "-"),
            ("ctrl--", "ctrl--"),
            ("f12", "f12"),
        ] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), shown, "{text}");
        }
        for text in ["", "xx", "ctrl-", "shift-a"] {
            assert!(text.parse::<Key>().is_err(), "{text:?}");
        }
    }
}
