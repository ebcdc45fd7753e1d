//! Penalty and box constraints per weight. Label offsets follow the components; their penalty is towards 0, without a
//! box.

use crate::analysis::reweight::FitOptions;

/// Smallest share of the L1 penalty assumed when λ is scaled, so that a pure ridge also has a finite path.
const MIN_L1_SHARE: f64 = 1e-3;

/// `Σ_c (1 − r) s_c |w_c − a| + r/2 s_c² (w_c − a)²` over a box.
#[derive(Clone, Debug)]
pub(super) struct WeightPenalty {
    /// Component weight `a` with zero penalty.
    anchor: f64,
    /// Smallest and largest weight of a component.
    bounds: (f64, f64),
    /// Number of weights that belong to components.
    components: usize,
    /// Ridge share `r`.
    ridge: f64,
    /// Price `s_c` of every weight, `[C]`.
    price: Vec<f64>,
}

impl WeightPenalty {
    /// Creates the penalty described by `options`.
    pub(super) fn new(options: &FitOptions, price: Vec<f64>, components: usize) -> Self {
        let bounds = options.bounds.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        Self { anchor: options.penalty.anchor(), bounds, components, ridge: options.ridge, price }
    }

    /// Returns the start of every fit: the allowed weights with the least penalty.
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

    /// Returns the penalty of one weight, without λ.
    pub(super) fn cost(&self, index: usize, weight: f64) -> f64 {
        let distance = self.price[index] * (weight - self.anchor(index)).abs();
        (1.0 - self.ridge) * distance + 0.5 * self.ridge * distance * distance
    }

    /// Returns the penalty of all weights, without λ.
    pub(super) fn total(&self, weights: &[f64]) -> f64 {
        weights.iter().enumerate().map(|(index, &weight)| self.cost(index, weight)).sum()
    }

    /// Returns the price `s_c` of one weight.
    pub(super) fn price(&self, index: usize) -> f64 {
        self.price[index]
    }

    /// Returns whether this is a ridge without an L1 term or a box.
    pub(super) fn is_plain_ridge(&self) -> bool {
        self.ridge == 1.0 && self.bounds == (f64::NEG_INFINITY, f64::INFINITY)
    }

    /// Returns whether a weight is neither at the anchor nor at a bound.
    pub(super) fn is_free(&self, index: usize, weight: f64) -> bool {
        let (low, high) = self.bounds(index);
        weight != self.anchor(index) && low < weight && weight < high
    }

    /// Returns the anchor or bound if `weight` differs from it by rounding only, else `weight`.
    pub(super) fn snap(&self, index: usize, weight: f64) -> f64 {
        let (low, high) = self.bounds(index);
        let near = |value: &f64| value.is_finite() && (weight - value).abs() <= 1e-14 * (1.0 + value.abs());
        [self.anchor(index), low, high].into_iter().find(near).unwrap_or(weight)
    }

    /// Returns how far one weight violates its optimality condition, given the gradient of the loss.
    ///
    /// A weight is optimal if the gradient of the smooth part plus `λ (1 − r) s_c ∂|w_c − a| + N_box(w_c)` contains 0;
    /// this is the distance of that set from 0.
    pub(super) fn violation(&self, index: usize, weight: f64, gradient: f64, lambda: f64) -> f64 {
        let l1 = lambda * self.l1(index);
        let distance = weight - self.anchor(index);
        let (low, high) = self.bounds(index);
        let smooth = gradient + lambda * self.stiffness(index) * distance;
        let (mut least, mut most) = match distance {
            d if d > 0.0 => (smooth + l1, smooth + l1),
            d if d < 0.0 => (smooth - l1, smooth - l1),
            _ => (smooth - l1, smooth + l1),
        };
        if weight <= low {
            least = f64::NEG_INFINITY;
        }
        if weight >= high {
            most = f64::INFINITY;
        }
        least.max(-most).max(0.0)
    }

    /// Returns the optimal value of one weight if the loss has this slope and curvature at `now`.
    pub(super) fn best(&self, index: usize, now: f64, slope: f64, curvature: f64, lambda: f64) -> f64 {
        let stiffness = lambda * self.stiffness(index);
        let h = curvature + stiffness;
        let (anchor, (low, high)) = (self.anchor(index), self.bounds(index));
        let distance = now - anchor;
        let free = distance - (slope + stiffness * distance) / h;
        let shrunk = free.signum() * (free.abs() - lambda * self.l1(index) / h).max(0.0);
        (anchor + shrunk).clamp(low, high)
    }

    /// Returns the smallest λ that keeps one weight at the start against this gradient.
    pub(super) fn lambda_to_hold(&self, index: usize, gradient: f64) -> f64 {
        let price = self.price[index] * (1.0 - self.ridge).max(MIN_L1_SHARE);
        if price > 0.0 { self.violation(index, self.origin(index), gradient, 0.0) / price } else { 0.0 }
    }

    fn l1(&self, index: usize) -> f64 {
        (1.0 - self.ridge) * self.price[index]
    }

    fn stiffness(&self, index: usize) -> f64 {
        self.ridge * self.price[index] * self.price[index]
    }
}
