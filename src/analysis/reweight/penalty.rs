//! What pulls on the weights: the penalty and the box, one weight at a time. Offsets of labels stand after the components; they are pulled
//! to 0 and are in no box.

use crate::analysis::reweight::FitOptions;

/// Least share of the kinked penalty that strengths are scaled by, so that a pure ridge has a path too.
const LEAST_KINK: f64 = 1e-3;

/// `Σ_c (1 − r) s_c |w_c − a| + r/2 s_c² (w_c − a)²` over a box.
#[derive(Clone, Debug)]
pub(super) struct WeightPenalty {
    /// Weight of a component that costs nothing `a`.
    anchor: f64,
    /// Smallest and largest weight of a component.
    bounds: (f64, f64),
    /// How many of the weights are components'.
    components: usize,
    /// Share of the ridge `r`.
    ridge: f64,
    /// Price of every component `s_c`, `[C]`.
    price: Vec<f64>,
}

impl WeightPenalty {
    /// The pull that `options` ask for.
    pub(super) fn new(options: &FitOptions, price: Vec<f64>, components: usize) -> Self {
        let bounds = options.bounds.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        Self { anchor: options.penalty.anchor(), bounds, components, ridge: options.ridge, price }
    }

    /// Weights that cost least and are allowed: where every fit starts.
    pub(super) fn start(&self) -> Vec<f64> {
        (0..self.price.len()).map(|index| self.origin(index)).collect()
    }

    fn anchor(&self, index: usize) -> f64 {
        if index < self.components { self.anchor } else { 0.0 }
    }

    fn bounds(&self, index: usize) -> (f64, f64) {
        if index < self.components { self.bounds } else { (f64::NEG_INFINITY, f64::INFINITY) }
    }

    fn origin(&self, index: usize) -> f64 {
        let (low, high) = self.bounds(index);
        self.anchor(index).clamp(low, high)
    }

    /// Cost of one weight, before λ.
    pub(super) fn cost(&self, index: usize, weight: f64) -> f64 {
        let distance = self.price[index] * (weight - self.anchor(index)).abs();
        (1.0 - self.ridge) * distance + 0.5 * self.ridge * distance * distance
    }

    /// Cost of all weights, before λ.
    pub(super) fn total(&self, weights: &[f64]) -> f64 {
        weights.iter().enumerate().map(|(index, &weight)| self.cost(index, weight)).sum()
    }

    /// Price of one component `s_c`.
    pub(super) fn price(&self, index: usize) -> f64 {
        self.price[index]
    }

    /// Whether this is a ridge alone, without kinks and without a box.
    pub(super) fn is_plain_ridge(&self) -> bool {
        self.ridge == 1.0 && self.bounds == (f64::NEG_INFINITY, f64::INFINITY)
    }

    /// Whether a weight stands neither on the anchor nor on a bound.
    pub(super) fn is_free(&self, index: usize, weight: f64) -> bool {
        let (low, high) = self.bounds(index);
        weight != self.anchor(index) && low < weight && weight < high
    }

    /// `weight`, or the anchor or bound that it misses by rounding only.
    pub(super) fn settle(&self, index: usize, weight: f64) -> f64 {
        let (low, high) = self.bounds(index);
        let near = |value: &f64| value.is_finite() && (weight - value).abs() <= 1e-14 * (1.0 + value.abs());
        [self.anchor(index), low, high].into_iter().find(near).unwrap_or(weight)
    }

    /// How far one weight is from its optimality condition, given the gradient of the loss.
    ///
    /// Zero is optimal where it lies in the gradient of the smooth part plus `λ (1 − r) s_c ∂|w_c − a| + N_box(w_c)`; this
    /// is its distance from that set.
    pub(super) fn violation(&self, index: usize, weight: f64, gradient: f64, lambda: f64) -> f64 {
        let kink = lambda * self.kink(index);
        let distance = weight - self.anchor(index);
        let (low, high) = self.bounds(index);
        let smooth = gradient + lambda * self.stiffness(index) * distance;
        let (mut least, mut most) = match distance {
            d if d > 0.0 => (smooth + kink, smooth + kink),
            d if d < 0.0 => (smooth - kink, smooth - kink),
            _ => (smooth - kink, smooth + kink),
        };
        if weight <= low {
            least = f64::NEG_INFINITY;
        }
        if weight >= high {
            most = f64::INFINITY;
        }
        least.max(-most).max(0.0)
    }

    /// Where one weight is best if the loss has this slope and curvature at `now`.
    pub(super) fn best(&self, index: usize, now: f64, slope: f64, curvature: f64, lambda: f64) -> f64 {
        let stiffness = lambda * self.stiffness(index);
        let h = curvature + stiffness;
        let (anchor, (low, high)) = (self.anchor(index), self.bounds(index));
        let distance = now - anchor;
        let free = distance - (slope + stiffness * distance) / h;
        let shrunk = free.signum() * (free.abs() - lambda * self.kink(index) / h).max(0.0);
        (anchor + shrunk).clamp(low, high)
    }

    /// The weakest λ that would hold one weight at the start against this gradient.
    pub(super) fn holding(&self, index: usize, gradient: f64) -> f64 {
        let price = self.price[index] * (1.0 - self.ridge).max(LEAST_KINK);
        if price > 0.0 { self.violation(index, self.origin(index), gradient, 0.0) / price } else { 0.0 }
    }

    fn kink(&self, index: usize) -> f64 {
        (1.0 - self.ridge) * self.price[index]
    }

    fn stiffness(&self, index: usize) -> f64 {
        self.ridge * self.price[index] * self.price[index]
    }
}
