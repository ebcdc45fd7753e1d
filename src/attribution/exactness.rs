//! How well contributions add up to the model's own logits.

use serde::{Deserialize, Serialize};

use super::argmax::argmax;

/// Largest relative deviation allowed for f32 arithmetic (`max_rel` of [`Exactness`]).
pub const F32_TOLERANCE: f64 = 1e-4;

/// Largest absolute deviation, relative to [`Exactness::terms`], that is rounding in f32: a few units in the last place.
pub const F32_ROUNDING: f64 = 1e-6;

/// Deviation of `Σ heads + Σ MLPs + rest` from the model's own logits.
///
/// Both sides are label-centred first (the mean over labels is subtracted), since predictions depend only on
/// differences between labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exactness {
    /// Largest absolute difference, in logits.
    pub max_abs: f64,
    /// `max_abs` over the largest centred `|full|` of the split; 0 if both are 0.
    pub max_rel: f64,
    /// Number of examples with different predictions on the two sides.
    pub argmax_mismatches: usize,
    /// Largest sum of magnitudes of label-centred contributions to one logit; 0 in runs of older versions. Where large
    /// terms cancel, so that the logits are near 0, `max_abs` is to be seen relative to it.
    #[serde(default)]
    pub terms: f64,
}

impl Exactness {
    /// Compares two tables of label logits `[N, labels]`.
    pub fn measure(parts: &[f64], full: &[f64], labels: usize) -> Self {
        let (mut max_abs, mut scale, mut argmax_mismatches) = (0.0_f64, 0.0_f64, 0);
        for (parts, full) in parts.chunks_exact(labels).zip(full.chunks_exact(labels)) {
            let (mean_parts, mean_full) = (mean(parts), mean(full));
            for (&p, &f) in parts.iter().zip(full) {
                max_abs = nan_max(max_abs, ((p - mean_parts) - (f - mean_full)).abs());
                scale = nan_max(scale, (f - mean_full).abs());
            }
            argmax_mismatches += usize::from(argmax(parts) != argmax(full));
        }
        let max_rel = if max_abs == 0.0 { 0.0 } else { max_abs / scale };
        Self { max_abs, max_rel, argmax_mismatches, terms: 0.0 }
    }

    /// Combines two splits: the larger deviations, and all mismatches.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            max_abs: nan_max(self.max_abs, other.max_abs),
            max_rel: nan_max(self.max_rel, other.max_rel),
            argmax_mismatches: self.argmax_mismatches + other.argmax_mismatches,
            terms: nan_max(self.terms, other.terms),
        }
    }

    /// Returns whether `max_rel` is at most `tolerance`, or the deviation is [rounding](Self::is_rounding); false for
    /// NaN.
    pub fn holds(&self, tolerance: f64) -> bool {
        self.max_rel <= tolerance || self.is_rounding()
    }

    /// Returns whether the deviation is rounding of the terms, however small their sum is; false for NaN.
    pub fn is_rounding(&self) -> bool {
        self.max_abs <= F32_ROUNDING * self.terms
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Maximum that propagates NaN, so that a broken run cannot look exact.
pub(super) fn nan_max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}
