//! Permutation test of the number of hits (correct predictions).
//!
//! The null distribution shuffles the predictions over the examples, which keeps both margins and removes any
//! dependence. With two labels the hits are hypergeometric. With more they count rooks on the blocks "gold `y`,
//! predicted `y`" of a chessboard (Riordan 1958): `E[C(hits, k)] = R_k (N − k)! / N!`, with the rook polynomial `Σ R_k
//! x^k = Π_y Σ_k C(gold_y, k) C(predicted_y, k) k! x^k`. These factorial moments are exact at any size. They give the
//! tail probabilities in one of two ways:
//! - small tables exactly, by inclusion and exclusion, as long as `E[2^hits]` keeps rounding below 1e-10;
//! - large tables from the first three moments: the larger tail of the normal and the Pearson type III distribution,
//!   the usual choice for permutation tests (Mielke & Berry 2007), with a continuity correction of one half. Compared
//!   with the exact distribution at N = 200 it is conservative, by a tenth at p = 0.001 and by less at larger N
//!   (`tools/reference_hits.py`).

use crate::analysis::exact::fisher;

/// Largest `E[2^hits]` for which inclusion and exclusion is precise enough.
const MOST_CANCELLATION: f64 = 1e5;

/// Returns the two-sided p-value of the hits in a confusion matrix `[Y, Y]` (rows are gold labels), given both margins.
///
/// Two labels use Fisher's exact test, more use twice the smaller tail. Returns 1 if the margins determine the hits.
pub fn hits_test(confusion: &[usize], labels: usize) -> f64 {
    if let [a, b, c, d] = *confusion {
        return fisher([[a, b], [c, d]]);
    }
    let board = Board::new(confusion, labels);
    let hits = (0..labels).map(|y| confusion[y * labels + y]).sum();
    match board.all_moments() {
        Some(moments) => exact(&moments, hits),
        None => board.approximate(hits as f64),
    }
}

/// The margins of a confusion matrix: one block of possible hits per label.
struct Board {
    /// Per label, the numbers of examples with this gold and with this predicted label.
    blocks: Vec<(f64, f64)>,
    n: f64,
}

impl Board {
    fn new(confusion: &[usize], labels: usize) -> Self {
        let gold = confusion.chunks_exact(labels.max(1)).map(|row| row.iter().sum::<usize>() as f64);
        let predicted = (0..labels).map(|y| confusion.iter().skip(y).step_by(labels).sum::<usize>() as f64);
        Self { blocks: gold.zip(predicted).collect(), n: confusion.iter().sum::<usize>() as f64 }
    }

    /// Returns `E[C(hits, k)]` for `k` from 0 to `most`.
    fn moments(&self, most: usize) -> Vec<f64> {
        let mut rooks = vec![0.0; most + 1];
        rooks[0] = 1.0;
        for &(gold, predicted) in &self.blocks {
            let block = scaled_rook_numbers(gold, predicted, self.n, most);
            rooks = (0..=most).map(|k| (0..=k).map(|i| rooks[i] * block[k - i]).sum()).collect();
        }
        let mut scale = 1.0;
        for (k, rook) in rooks.iter_mut().enumerate() {
            *rook *= scale;
            scale *= self.n / (self.n - k as f64).max(1.0);
        }
        rooks
    }

    /// Returns all factorial moments if they are few and small enough for the exact distribution.
    fn all_moments(&self) -> Option<Vec<f64>> {
        let most: f64 = self.blocks.iter().map(|(gold, predicted)| gold.min(*predicted)).sum();
        if self.n > 200.0 || self.blocks.iter().map(|(r, c)| r * c / self.n.max(1.0)).sum::<f64>() > 17.0 {
            return None;
        }
        Some(self.moments(most as usize)).filter(|moments| moments.iter().sum::<f64>() <= MOST_CANCELLATION)
    }

    /// Returns twice the smaller tail, approximated from the first three moments.
    fn approximate(&self, hits: f64) -> f64 {
        let moments = self.moments(3);
        let (first, second, third) = (moments[1], 2.0 * moments[2], 6.0 * moments[3]);
        let variance = second + first - first * first;
        if self.n < 2.0 || variance <= 1e-9 {
            return 1.0;
        }
        let sd = variance.sqrt();
        let central = third + 3.0 * second + first - 3.0 * first * (second + first) + 2.0 * first.powi(3);
        let skewness = central / (variance * sd);
        let upper = tail((hits - first - 0.5) / sd, skewness);
        let lower = tail((first - hits - 0.5) / sd, -skewness);
        (2.0 * upper.min(lower)).min(1.0)
    }
}

/// Returns `C(gold, k) C(predicted, k) k! / n^k` for `k` from 0 to `most`.
fn scaled_rook_numbers(gold: f64, predicted: f64, n: f64, most: usize) -> Vec<f64> {
    let step = |number: f64, k: f64| number * (gold - k).max(0.0) * (predicted - k).max(0.0) / ((k + 1.0) * n.max(1.0));
    let next = |number: &mut f64, k: usize| Some(std::mem::replace(number, step(*number, k as f64)));
    (0..=most).scan(1.0, next).collect()
}

/// Returns twice the smaller tail from all factorial moments, with
/// `P(hits ≥ h) = Σ_{k ≥ h} (−1)^{k−h} C(k − 1, h − 1) E[C(hits, k)]`.
fn exact(moments: &[f64], hits: usize) -> f64 {
    let at_least = |h: usize| -> f64 {
        let mut ways = 1.0;
        let term = |k: usize| {
            let term = if (k - h).is_multiple_of(2) { ways } else { -ways } * moments[k];
            ways *= k as f64 / (k + 1 - h) as f64;
            term
        };
        if h == 0 { 1.0 } else { (h..moments.len()).map(term).sum() }
    };
    let floor = f64::EPSILON * moments.iter().sum::<f64>();
    (2.0 * at_least(hits).min(1.0 - at_least(hits + 1))).clamp(floor, 1.0)
}

/// Returns `P(Z ≥ z)`: the larger of the normal tail and the Pearson type III tail with this skewness.
fn tail(z: f64, skewness: f64) -> f64 {
    normal_tail(z).max(pearson_tail(z, skewness))
}

fn normal_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// Returns the tail of a gamma distribution shifted and scaled to mean 0, variance 1 and this skewness, by the
/// saddlepoint formula of Lugannani & Rice (1980), whose relative error for gamma distributions is below 1%.
fn pearson_tail(z: f64, skewness: f64) -> f64 {
    let root = 2.0 / skewness;
    let offset = z / root;
    if skewness.abs() < 1e-4 || z.abs() < 1e-3 {
        return normal_tail(z);
    }
    if offset <= -1.0 {
        return if skewness > 0.0 { 1.0 } else { 0.0 };
    }
    let w = z.signum() * root.abs() * (2.0 * (offset - offset.ln_1p())).sqrt();
    let density = (-0.5 * w * w).exp() / std::f64::consts::TAU.sqrt();
    (normal_tail(w) + density * (1.0 / z - 1.0 / w)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::analysis::{exact::mcnemar, golden::golden};

    #[derive(Deserialize)]
    struct Golden {
        fisher: Vec<Case>,
        mcnemar: Vec<Discordant>,
        small: Vec<Case>,
        large: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        confusion: Vec<usize>,
        p: f64,
    }

    #[derive(Deserialize)]
    struct Discordant {
        b: usize,
        c: usize,
        p: f64,
    }

    fn ours(case: &Case) -> f64 {
        hits_test(&case.confusion, case.confusion.len().isqrt())
    }

    #[test]
    fn exact_tests_agree_with_scipy() {
        let golden: Golden = golden("hits");
        for case in &golden.fisher {
            assert!((ours(case) / case.p - 1.0).abs() < 1e-9, "{:?}: {} {}", case.confusion, ours(case), case.p);
        }
        for case in &golden.mcnemar {
            assert!((mcnemar(case.b, case.c) / case.p - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn small_tables_follow_the_exact_distribution() {
        let golden: Golden = golden("hits");
        for case in &golden.small {
            assert!(
                (ours(case) - case.p).abs() < 1e-9 + 1e-6 * case.p,
                "{:?}: {} {}",
                case.confusion,
                ours(case),
                case.p
            );
        }
    }

    #[test]
    fn large_tables_are_close_and_conservative() {
        let golden: Golden = golden("hits");
        for case in golden.large.iter().filter(|case| case.p > 1e-5) {
            let ratio = ours(case) / case.p;
            assert!((0.97..1.35).contains(&ratio), "{:?}: {} {}", case.confusion, ours(case), case.p);
        }
        for case in golden.large.iter().filter(|case| case.p <= 1e-5) {
            assert!((case.p * 0.9..1e-4).contains(&ours(case)), "{:?}: {} {}", case.confusion, ours(case), case.p);
        }
    }

    #[test]
    fn margins_that_determine_the_hits_give_a_p_value_of_1() {
        assert_eq!(hits_test(&[3, 0, 0, 4, 0, 0, 5, 0, 0], 3), 1.0);
        assert_eq!(hits_test(&[0; 9], 3), 1.0);
        assert_eq!(hits_test(&[500, 0, 0, 400, 0, 0, 500, 0, 0], 3), 1.0);
    }
}
