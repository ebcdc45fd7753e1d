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

/// Two-sided 95% quantile of Student's t with `freedom` degrees of freedom: exact for 1 and 2, otherwise by the expansion
/// around the normal quantile of Abramowitz & Stegun (1964), 26.7.5, within 0.2% from 3 on.
pub fn student_t95(freedom: usize) -> f64 {
    match freedom {
        0 => f64::INFINITY,
        1 => 12.706_204_736_432_1,
        2 => 4.302_652_729_696_14,
        _ => {
            let (n, z) = (freedom as f64, Z95);
            let terms = [
                (z.powi(3) + z) / 4.0,
                (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
                (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
                (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5) - 1920.0 * z.powi(3) - 945.0 * z) / 92160.0,
            ];
            z + terms[0] / n + terms[1] / n.powi(2) + terms[2] / n.powi(3) + terms[3] / n.powi(4)
        }
    }
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
    fn quantiles_of_t_match_tables() {
        for (freedom, expected) in
            [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (1000, 1.962)]
        {
            let found = student_t95(freedom);
            assert!((found / expected - 1.0).abs() < 2e-3, "{freedom}: {found}");
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
