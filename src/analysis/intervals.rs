//! Confidence intervals on shares.

/// Two-sided 95% quantile of the standard normal distribution.
pub const Z95: f64 = 1.959_963_984_540_054;

/// Returns Wilson's score interval for `hits` of `n`, at the quantile `z` ([`Z95`] for 95%); `(0, 1)` when `n` is 0.
///
/// Wilson (1927), *Probable inference, the law of succession, and statistical inference*. Unlike the textbook interval,
/// it keeps its coverage near 0 and 1, which matters for bad and label-biased components.
pub fn wilson(hits: usize, n: usize, z: f64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (n, share) = (n as f64, hits as f64 / n as f64);
    let spread = z * z / n;
    let centre = (share + spread / 2.0) / (1.0 + spread);
    let half = z * (share * (1.0 - share) / n + spread / (4.0 * n)).sqrt() / (1.0 + spread);
    ((centre - half).clamp(0.0, share), (centre + half).clamp(share, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_match_published_values() {
        // Newcombe (1998), Table I, method 3 (score interval without continuity correction).
        for (hits, n, lo, hi) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let (a, b) = wilson(hits, n, Z95);
            assert!((a - lo).abs() < 5e-5 && (b - hi).abs() < 5e-5, "{hits}/{n}: {a} {b}");
        }
    }

    #[test]
    fn intervals_contain_the_share_and_lie_between_0_and_1() {
        for n in 1..40 {
            for hits in 0..=n {
                let (lo, hi) = wilson(hits, n, Z95);
                let share = hits as f64 / n as f64;
                assert!(0.0 <= lo && lo <= share && share <= hi && hi <= 1.0);
            }
        }
    }
}
