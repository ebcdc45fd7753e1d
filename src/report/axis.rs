//! Axes of figures: scales and ticks.

use super::{
    style::{DIM, FAINT},
    svg::{Anchor, Canvas},
};

/// A linear axis: maps values to pixel positions along one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    /// Values at the two ends.
    pub(super) values: (f64, f64),
    /// Positions of the two ends, in pixels.
    pub(super) pixels: (f64, f64),
}

impl Axis {
    /// Creates an axis that covers all finite `values`, with its ends on round numbers.
    pub(super) fn around(values: impl IntoIterator<Item = f64>, pixels: (f64, f64)) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= 0.0 {
            (low, high) = (low - 0.5, high + 0.5);
        }
        let step = step(low, high);
        Self { values: ((low / step).floor() * step, (high / step).ceil() * step), pixels }
    }

    /// Returns the position of `value`, in pixels.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (value - self.values.0) / (self.values.1 - self.values.0);
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    /// Returns the tick values: round numbers along the axis.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let (low, high) = self.values;
        let step = step(low, high);
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        (first..=last).map(|index| index as f64 * step).collect()
    }

    /// Draws grid lines over the vertical `span`, and tick labels and `name` below it.
    pub(super) fn below(&self, canvas: &mut Canvas, span: (f64, f64), name: &str, write: impl Fn(f64) -> String) {
        for tick in self.ticks() {
            canvas.line((self.at(tick), span.0), (self.at(tick), span.1), FAINT, 1.0);
            canvas.text((self.at(tick), span.1 + 16.0), 11.0, DIM, Anchor::Middle, &write(tick));
        }
        let middle = f64::midpoint(self.pixels.0, self.pixels.1);
        canvas.text((middle, span.1 + 34.0), 12.0, DIM, Anchor::Middle, name);
    }

    /// Draws grid lines over the horizontal `span`, and tick labels and `name` to its left.
    pub(super) fn left(&self, canvas: &mut Canvas, span: (f64, f64), name: &str, write: impl Fn(f64) -> String) {
        for tick in self.ticks() {
            canvas.line((span.0, self.at(tick)), (span.1, self.at(tick)), FAINT, 1.0);
            canvas.text((span.0 - 8.0, self.at(tick) + 4.0), 11.0, DIM, Anchor::End, &write(tick));
        }
        let middle = f64::midpoint(self.pixels.0, self.pixels.1);
        canvas.upright((span.0 - 44.0, middle), 12.0, DIM, Anchor::Middle, name);
    }
}

/// Returns the distance between ticks: 1, 2 or 5 times a power of ten, for about five ticks.
fn step(low: f64, high: f64) -> f64 {
    let rough = (high - low) / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|&step| step >= rough * 0.999).unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let axis = Axis::around([0.237, 0.94, f64::NAN], (0.0, 100.0));
        assert_eq!(axis.values, (0.2, 1.0));
        assert_eq!(axis.ticks().len(), 5);
        assert!((axis.at(0.6) - 50.0).abs() < 1e-9);
        assert_eq!(Axis::around([], (0.0, 1.0)).values, (0.0, 1.0));
        assert!(Axis::around([0.5], (0.0, 1.0)).ticks().len() >= 3);
    }
}
