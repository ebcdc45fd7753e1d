//! Colours: how many the terminal has, and distances that match what the eye sees.
//!
//! Everything is computed in OKLab (Björn Ottosson, 2020), where equal steps look equal.

use ratatui::style::Color;

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// None: shapes, digits and weight only.
    None,
    /// The sixteen of the terminal's own palette.
    Ansi,
    /// The 256 of xterm.
    Indexed,
    /// All of them.
    True,
}

impl Depth {
    /// What the environment says, read through `variable`.
    ///
    /// `NO_COLOR` wins (<https://no-color.org>), then `COLORTERM`, then `TERM`.
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

/// A colour as a screen emits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// A colour as the eye sees it: lightness and two opponent axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lab {
    /// Lightness, 0 to 1.
    pub l: f64,
    /// From green to red.
    pub a: f64,
    /// From blue to yellow.
    pub b: f64,
}

impl Rgb {
    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self(byte(0)?, byte(2)?, byte(4)?))
    }

    /// The colour in OKLab.
    pub fn lab(self) -> Lab {
        let linear = |byte: u8| {
            let c = f64::from(byte) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let rgb = [self.0, self.1, self.2].map(linear);
        let cone = |row: [f64; 3]| row.iter().zip(&rgb).map(|(weight, value)| weight * value).sum::<f64>().cbrt();
        let l = cone([0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9]);
        let m = cone([0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6]);
        let s = cone([0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5]);
        Lab {
            l: 0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
            a: 1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
            b: 0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
        }
    }

    /// The colour as the terminal can show it; without colours, the terminal's own.
    pub fn at(self, depth: Depth) -> Color {
        match depth {
            Depth::True => Color::Rgb(self.0, self.1, self.2),
            Depth::Indexed => Color::Indexed(self.nearest_indexed()),
            Depth::Ansi | Depth::None => Color::Reset,
        }
    }

    /// The nearest of xterm's colours 16 to 255; the first 16 differ from user to user.
    fn nearest_indexed(self) -> u8 {
        let lab = self.lab();
        let distance = |index: &u8| lab.distance(indexed(*index).lab());
        (16..=255_u8).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(16)
    }
}

/// The colour that xterm shows for an index from 16 on.
pub fn indexed(index: u8) -> Rgb {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    if index >= 232 {
        let grey = 8 + (index - 232) * 10;
        return Rgb(grey, grey, grey);
    }
    let cube = usize::from(index.saturating_sub(16));
    Rgb(LEVELS[cube / 36 % 6], LEVELS[cube / 6 % 6], LEVELS[cube % 6])
}

impl Lab {
    /// How different two colours look.
    pub fn distance(self, other: Self) -> f64 {
        ((self.l - other.l).powi(2) + (self.a - other.a).powi(2) + (self.b - other.b).powi(2)).sqrt()
    }

    /// The colour that lies the share `t` of the way to `other`.
    #[must_use]
    pub fn towards(self, other: Self, t: f64) -> Self {
        let mix = |from: f64, to: f64| from + (to - from) * t;
        Self { l: mix(self.l, other.l), a: mix(self.a, other.a), b: mix(self.b, other.b) }
    }

    /// The colour on a screen, clipped to what it can show.
    pub fn rgb(self) -> Rgb {
        let l = (self.l + 0.396_337_777_4 * self.a + 0.215_803_757_3 * self.b).powi(3);
        let m = (self.l - 0.105_561_345_8 * self.a - 0.063_854_172_8 * self.b).powi(3);
        let s = (self.l - 0.089_484_177_5 * self.a - 1.291_485_548_0 * self.b).powi(3);
        let byte = |linear: f64| {
            let c = if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
            (c * 255.0).round().clamp(0.0, 255.0) as u8
        };
        Rgb(
            byte(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
            byte(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
            byte(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
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
    fn oklab_goes_there_and_back() {
        for rgb in [Rgb(0, 0, 0), Rgb(255, 255, 255), Rgb(200, 30, 90), Rgb(1, 128, 254)] {
            assert_eq!(rgb.lab().rgb(), rgb);
        }
        assert!((Rgb(255, 255, 255).lab().l - 1.0).abs() < 1e-6);
    }

    #[test]
    fn indexed_colours_stand_for_their_own() {
        for index in [16_u8, 21, 100, 196, 231, 240] {
            assert_eq!(indexed(index).nearest_indexed(), index);
        }
        assert_eq!(Rgb::parse("#ff8000"), Some(Rgb(255, 128, 0)));
        assert_eq!(Rgb::parse("#ff80"), None);
    }
}
