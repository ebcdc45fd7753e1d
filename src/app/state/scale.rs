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
}

/// Range of the scale of a quantity.
#[derive(Clone, Copy)]
pub(crate) enum Range {
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
    pub(crate) fn scale(self, labels: usize, values: &[Option<f64>]) -> Scale {
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
