//! Diverging colour maps: a neutral middle, and perceptually equal steps on either side.

use ratatui::style::Color;

use crate::color::{Rgb, diverging};

use super::{
    color::{Depth, indexed},
    indexed_ramp::along,
};

/// Steps on each side of the neutral colour.
const STEPS: usize = 64;

/// Colours from the low end over neutral to the high end, at the depth of the terminal.
#[derive(Clone, Debug, PartialEq)]
pub struct Ramp {
    colors: Vec<Rgb>,
    /// Colours if the terminal has 256, from the low end to the high end.
    indexed: Vec<u8>,
    depth: Depth,
    ansi: [Color; 3],
}

impl Ramp {
    /// Creates a map through these colours. `low` and `high` run from left to right: `low` starts with the low end,
    /// `high` ends with the high end.
    pub fn new(low: &[Rgb], neutral: Rgb, high: &[Rgb], ansi: [Color; 3], depth: Depth) -> Self {
        let colors = diverging(low, neutral, high, STEPS);
        let indexed = if depth == Depth::Indexed { indexed_colors(&colors) } else { Vec::new() };
        Self { colors, indexed, depth, ansi }
    }

    fn rgb(&self, place: f64) -> Rgb {
        let at = ((place.clamp(-1.0, 1.0) + 1.0) * STEPS as f64).round() as usize;
        self.colors[at.min(self.colors.len() - 1)]
    }

    /// Returns the index of the colour for terminals with 256.
    fn index(&self, place: f64) -> u8 {
        let last = self.indexed.len().saturating_sub(1);
        let at = (f64::midpoint(place.clamp(-1.0, 1.0), 1.0) * last as f64).round() as usize;
        self.indexed[at.min(last)]
    }

    /// Returns the colour at `place`: −1 is the low end, 0 neutral, 1 the high end. `None` without colours.
    pub fn color(&self, place: f64) -> Option<Color> {
        match self.depth {
            Depth::None => None,
            Depth::Ansi if place <= -0.25 => Some(self.ansi[0]),
            Depth::Ansi if place >= 0.25 => Some(self.ansi[2]),
            Depth::Ansi => Some(self.ansi[1]),
            Depth::Indexed => Some(Color::Indexed(self.index(place))),
            Depth::True => Some(self.rgb(place).at(Depth::True)),
        }
    }

    /// Returns the colour that the terminal shows at `place`, if it shows more than 16.
    fn shown(&self, place: f64) -> Rgb {
        if self.depth == Depth::Indexed { indexed(self.index(place)) } else { self.rgb(place) }
    }

    /// Returns a dark or light text colour, the more legible one on the colour at `place`.
    pub fn ink(&self, place: f64) -> Color {
        match self.depth {
            Depth::None => Color::Reset,
            Depth::Ansi if place <= -0.25 => Color::Black,
            Depth::Ansi => Color::White,
            depth if self.shown(place).lab().l > 0.62 => Rgb(10, 12, 18).at(depth),
            depth => Rgb(245, 247, 250).at(depth),
        }
    }
}

/// Returns xterm's colours along `colors`, from the low end to the high end.
fn indexed_colors(colors: &[Rgb]) -> Vec<u8> {
    let (low, high) = (&colors[..=STEPS], &colors[STEPS..]);
    let mut indexed = along(&low.iter().rev().copied().collect::<Vec<_>>());
    indexed.reverse();
    indexed.extend(along(high).into_iter().skip(1));
    indexed
}

#[cfg(test)]
mod tests {
    use crate::{color::Lab, tui::theme::Theme};

    use super::*;

    #[test]
    fn steps_are_equal_and_lightness_is_monotone_on_each_side() {
        for theme in Theme::built_in(Depth::True).unwrap() {
            let labs: Vec<Lab> = theme.ramp.colors.iter().map(|color| color.lab()).collect();
            for side in [&labs[..=STEPS], &labs[STEPS..]] {
                let steps: Vec<f64> = side.windows(2).map(|pair| pair[0].distance(pair[1])).collect();
                let mean = steps.iter().sum::<f64>() / steps.len() as f64;
                assert!(mean > 0.004, "{}: the side is too short", theme.name);
                assert!(steps.iter().all(|step| (step - mean).abs() < 0.5 * mean), "{}: {steps:?}", theme.name);
                let rises = side.windows(2).filter(|pair| pair[1].l > pair[0].l + 1e-3).count();
                let falls = side.windows(2).filter(|pair| pair[1].l < pair[0].l - 1e-3).count();
                assert!(rises == 0 || falls == 0, "{}: lightness is not monotone", theme.name);
            }
        }
    }

    #[test]
    fn with_256_colours_each_has_an_equal_share_and_the_steps_are_about_equal() {
        for theme in Theme::built_in(Depth::Indexed).unwrap() {
            let ramp = &theme.ramp;
            let places: Vec<Color> = (0..=1200).map(|at| ramp.color(f64::from(at) / 600.0 - 1.0).unwrap()).collect();
            let runs: Vec<&[Color]> = places.chunk_by(|a, b| a == b).collect();
            let inner: Vec<usize> = runs[1..runs.len() - 1].iter().map(|run| run.len()).collect();
            assert!(runs.len() > 10 && inner.iter().all(|&run| (95..=105).contains(&run)), "{}: {inner:?}", theme.name);
            let labs: Vec<Lab> = ramp.indexed.iter().map(|&index| indexed(index).lab()).collect();
            for side in [&labs[..=labs.len() / 2], &labs[labs.len() / 2..]] {
                let steps: Vec<f64> = side.windows(2).map(|pair| pair[0].distance(pair[1])).collect();
                let (least, most) = steps.iter().fold((f64::MAX, 0.0), |(a, b): (f64, f64), &s| (a.min(s), b.max(s)));
                assert!(most < 2.0 * least, "{}: {steps:?}", theme.name);
                let rises = side.windows(2).filter(|pair| pair[1].l > pair[0].l).count();
                assert!(rises == 0 || rises == side.len() - 1, "{}: lightness is not monotone", theme.name);
            }
            let far = |place: f64| ramp.shown(place).lab().distance(ramp.rgb(place).lab());
            assert!([-1.0, -0.5, 0.0, 0.5, 1.0].into_iter().all(|place| far(place) < 0.1), "{}", theme.name);
        }
    }

    #[test]
    fn the_two_ends_differ_in_blue_and_yellow() {
        for theme in Theme::built_in(Depth::True).unwrap() {
            let (low, high) = (theme.ramp.rgb(-1.0).lab(), theme.ramp.rgb(1.0).lab());
            assert!((low.b - high.b).abs() > 0.15, "{}: blue and yellow survive red-green blindness", theme.name);
        }
    }

    #[test]
    fn sixteen_colours_distinguish_low_neutral_and_high() {
        for theme in Theme::built_in(Depth::Ansi).unwrap() {
            let at = |place| theme.ramp.color(place);
            assert!(at(-1.0) != at(0.0) && at(0.0) != at(1.0) && at(-1.0) != at(1.0));
        }
        let plain = &Theme::built_in(Depth::None).unwrap()[0];
        assert_eq!((plain.ramp.color(1.0), plain.ramp.ink(1.0)), (None, Color::Reset));
    }
}
