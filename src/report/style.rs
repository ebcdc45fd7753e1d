//! What figures look like: ink, and colours for signed values.

use std::sync::LazyLock;

use crate::{
    analysis::Kind,
    color::{Rgb, diverging},
};

/// What is read first.
pub(super) const INK: &str = "#1b2330";
/// What is read last.
pub(super) const DIM: &str = "#5d6878";
/// Rules and grids.
pub(super) const FAINT: &str = "#dfe3e9";
/// No value.
pub(super) const EMPTY: &str = "#ffffff";
/// Right, or the first of two.
pub(super) const BLUE: &str = "#1f5fae";
/// Wrong, or the second of two.
pub(super) const ORANGE: &str = "#c25a12";

/// Lines that must be told apart, dark enough to be read on white and distinct to colour-blind eyes (after Okabe & Ito 2008).
pub(super) const SERIES: [&str; 8] =
    ["#0072b2", "#d55e00", "#008a65", "#b0468b", "#8a6d00", "#3a8fc4", "#5b5b5b", "#7a3b1d"];

const STEPS: usize = 100;

static RAMP: LazyLock<Vec<Rgb>> = LazyLock::new(|| {
    diverging(&[Rgb(122, 52, 4), Rgb(226, 134, 60)], Rgb(246, 246, 244), &[Rgb(92, 156, 218), Rgb(12, 62, 128)], STEPS)
});

/// The colour of `place`: −1 is the low end (orange), 0 neutral, 1 the high end (blue).
pub(super) fn shade(place: f64) -> Rgb {
    RAMP[((place.clamp(-1.0, 1.0) + 1.0) * STEPS as f64).round() as usize]
}

/// Ink that is read on `paper`.
pub(super) fn ink_on(paper: Rgb) -> &'static str {
    if paper.lab().l > 0.62 { INK } else { "#ffffff" }
}

/// The mark of a kind: shapes, so that colour never speaks alone.
pub(super) const fn mark(kind: Kind) -> &'static str {
    match kind {
        Kind::Good => "▲",
        Kind::Bad => "▼",
        Kind::LabelBiased => "■",
        Kind::Neutral => "",
    }
}

/// A kind as readers call it.
pub(super) fn kind_name(kind: Kind) -> String {
    kind.name().replace('_', "-")
}

/// `0.9233` as `92.3`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_dark_and_the_middle_is_light() {
        let [low, middle, high] = [-1.0, 0.0, 1.0].map(|place| shade(place).lab());
        assert!(middle.l > 0.95 && low.l < 0.5 && high.l < 0.5);
        assert!(low.b - high.b > 0.15, "orange and blue survive red-green blindness");
        assert_eq!((ink_on(shade(0.0)), ink_on(shade(1.0))), (INK, "#ffffff"));
    }
}
