//! Style of figures: text colours, a diverging colour scale and marks.

use std::sync::LazyLock;

use crate::{
    analysis::Kind,
    color::{Rgb, diverging},
};

/// Main text.
pub(super) const INK: &str = "#1b2330";
/// Secondary text.
pub(super) const DIM: &str = "#5d6878";
/// Rules and grid lines.
pub(super) const FAINT: &str = "#dfe3e9";
/// Missing values.
pub(super) const EMPTY: &str = "#ffffff";
/// The first of two series, or correct.
pub(super) const BLUE: &str = "#1f5fae";
/// The second of two series, or wrong.
pub(super) const ORANGE: &str = "#c25a12";

/// Colours of line series: readable on white, and distinct for colour-blind readers (after Okabe & Ito 2008).
pub(super) const SERIES: [&str; 8] =
    ["#0072b2", "#d55e00", "#008a65", "#b0468b", "#8a6d00", "#3a8fc4", "#5b5b5b", "#7a3b1d"];

const STEPS: usize = 100;

static RAMP: LazyLock<Vec<Rgb>> = LazyLock::new(|| {
    diverging(&[Rgb(122, 52, 4), Rgb(226, 134, 60)], Rgb(246, 246, 244), &[Rgb(92, 156, 218), Rgb(12, 62, 128)], STEPS)
});

/// Returns the colour of `value` in `[-1, 1]`: −1 is the low end (orange), 0 neutral, 1 the high end (blue).
pub(super) fn shade(value: f64) -> Rgb {
    RAMP[((value.clamp(-1.0, 1.0) + 1.0) * STEPS as f64).round() as usize]
}

/// Returns a text colour that is readable on `background`.
pub(super) fn ink_on(background: Rgb) -> &'static str {
    if background.lab().l > 0.62 { INK } else { "#ffffff" }
}

/// Returns the symbol of a kind, so that it can be recognized without colour.
pub(super) const fn mark(kind: Kind) -> &'static str {
    match kind {
        Kind::Good => "▲",
        Kind::Bad => "▼",
        Kind::LabelBiased => "■",
        Kind::Neutral => "",
    }
}

/// Returns the name of a kind in text: `label-biased`.
pub(super) fn kind_name(kind: Kind) -> String {
    kind.name().replace('_', "-")
}

/// Formats a share as a percentage: `0.9233` as `92.3`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_dark_and_the_middle_is_light() {
        let [low, middle, high] = [-1.0, 0.0, 1.0].map(|value| shade(value).lab());
        assert!(middle.l > 0.95 && low.l < 0.5 && high.l < 0.5);
        assert!(low.b - high.b > 0.15, "orange and blue are distinct with red-green colour blindness");
        assert_eq!((ink_on(shade(0.0)), ink_on(shade(1.0))), (INK, "#ffffff"));
    }
}
