//! Colour depth of the terminal, and the nearest colour it can show.

use ratatui::style::Color;

pub use crate::color::{Lab, Rgb};

/// Number of colours that a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// No colours: shapes, digits and bold only.
    None,
    /// The 16 colours of the terminal's palette.
    Ansi,
    /// The 256 colours of xterm.
    Indexed,
    /// 24-bit colours.
    True,
}

impl Depth {
    /// Detects the depth from environment variables, read through `variable`.
    ///
    /// `NO_COLOR` takes precedence (<https://no-color.org>), then `COLORTERM`, then `TERM`.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| variable(name).unwrap_or_default().to_lowercase();
        let (term, colorterm) = (get("TERM"), get("COLORTERM"));
        let names = |all: &[&str]| all.iter().any(|name| term.contains(name));
        match () {
            () if !get("NO_COLOR").is_empty() || term == "dumb" => Self::None,
            () if ["truecolor", "24bit"].contains(&colorterm.as_str()) => Self::True,
            () if names(&["kitty", "ghostty", "alacritty", "wezterm", "foot", "direct"]) => Self::True,
            () if names(&["256"]) => Self::Indexed,
            () => Self::Ansi,
        }
    }
}

impl Rgb {
    /// Returns the nearest colour that the terminal can show; with 16 or no colours, the terminal's default.
    pub fn at(self, depth: Depth) -> Color {
        match depth {
            Depth::True => Color::Rgb(self.0, self.1, self.2),
            Depth::Indexed => Color::Indexed(self.nearest_indexed()),
            Depth::Ansi | Depth::None => Color::Reset,
        }
    }

    /// Returns the nearest of xterm's colours 16 to 255. The first 16 depend on the user's palette.
    fn nearest_indexed(self) -> u8 {
        let lab = self.lab();
        let distance = |index: &u8| lab.distance(indexed(*index).lab());
        (16..=255_u8).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(16)
    }
}

/// Returns the colour that xterm shows for an index of at least 16.
pub fn indexed(index: u8) -> Rgb {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    if index >= 232 {
        let grey = 8 + (index - 232) * 10;
        return Rgb(grey, grey, grey);
    }
    let cube = usize::from(index.saturating_sub(16));
    Rgb(LEVELS[cube / 36 % 6], LEVELS[cube / 6 % 6], LEVELS[cube % 6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_follows_the_environment() {
        for (variables, depth) in [
            (vec![("TERM", "xterm-256color")], Depth::Indexed),
            (vec![("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Depth::True),
            (vec![("TERM", "xterm-kitty")], Depth::True),
            (vec![("TERM", "xterm")], Depth::Ansi),
            (vec![("TERM", "dumb")], Depth::None),
            (vec![], Depth::Ansi),
            (vec![("NO_COLOR", "1"), ("COLORTERM", "truecolor")], Depth::None),
            (vec![("NO_COLOR", ""), ("COLORTERM", "24bit")], Depth::True),
        ] {
            let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(Depth::detect(get), depth, "{variables:?}");
        }
    }

    #[test]
    fn indexed_colours_are_their_own_nearest() {
        for index in [16_u8, 21, 100, 196, 231, 240] {
            assert_eq!(indexed(index).nearest_indexed(), index);
        }
    }
}
