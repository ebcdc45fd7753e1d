//! Scales of quantities.

/// Ends and neutral point of a quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Value with the strongest low colour.
    pub low: f64,
    /// Value with the neutral colour.
    pub neutral: f64,
    /// Value with the strongest high colour.
    pub high: f64,
}

impl Scale {
    /// Returns the position of `value`: −1 at the low end, 0 at the neutral point, 1 at the high end.
    pub fn place(&self, value: f64) -> f64 {
        let side = if value < self.neutral { self.neutral - self.low } else { self.high - self.neutral };
        if side > 0.0 { ((value - self.neutral) / side).clamp(-1.0, 1.0) } else { 0.0 }
    }

    /// Returns the tenth of the scale that contains `value`, 0 to 9.
    pub fn tenth(&self, value: f64) -> u32 {
        let share = (value - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE);
        (share * 10.0 + 1e-9).clamp(0.0, 9.0) as u32
    }
}

/// Range of the scale of a quantity.
#[derive(Clone, Copy)]
pub(super) enum Range {
    /// From 0 to 1, neutral at chance.
    AroundChance,
    /// From 0 to 1, neutral at 0.
    UpToOne,
    /// From 0 to the largest value, at least this one.
    UpToLargest(f64),
    /// Symmetric around 0 up to the largest absolute value, at least this one.
    AroundZero(f64),
}

impl Range {
    /// Returns the scale for `values` with this number of labels.
    pub(super) fn scale(self, labels: usize, values: &[Option<f64>]) -> Scale {
        let largest = |least: f64| values.iter().flatten().fold(least, |most, value| most.max(value.abs()));
        let (low, neutral, high) = match self {
            Self::AroundChance => (0.0, 1.0 / labels as f64, 1.0),
            Self::UpToOne => (0.0, 0.0, 1.0),
            Self::UpToLargest(least) => (0.0, 0.0, largest(least)),
            Self::AroundZero(least) => (-largest(least), 0.0, largest(least)),
        };
        Scale { low, neutral, high }
    }
}
