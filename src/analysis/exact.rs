//! Exact tests on counts: Fisher's and McNemar's.
//!
//! With thousands of components and a few dozen to a few thousand examples, accurate tail probabilities matter. These
//! tests sum the distribution itself instead of approximating it.

/// Values within this factor count as equally probable, against rounding (the convention of R's `fisher.test`).
const EQUAL: f64 = 1.0 + 1e-7;

/// Returns the two-sided p-value of Fisher's exact test on the table `[[a, b], [c, d]]`: the probability, given both
/// margins, of all tables that are at most as probable as this one (Fisher 1935; Freeman & Halton 1951).
pub fn fisher(table: [[usize; 2]; 2]) -> f64 {
    let row = table[0][0] + table[0][1];
    let column = table[0][0] + table[1][0];
    let n = row + table[1][0] + table[1][1];
    two_sided(&hypergeometric(row, column, n), table[0][0] - (row + column).saturating_sub(n))
}

/// Returns the two-sided p-value of McNemar's exact test: the probability of a split of `b + c` discordant examples at
/// least as uneven as this one, if both directions are equally likely (McNemar 1947, binomial form).
pub fn mcnemar(b: usize, c: usize) -> f64 {
    let n = b + c;
    let distribution = from_mode(0, n, n / 2, |k| (n - k) as f64 / (k + 1) as f64);
    (2.0 * distribution[..=b.min(c)].iter().sum::<f64>()).min(1.0)
}

/// Returns the distribution of the number of marked items among `drawn` of `n` when `marked` are marked, from the
/// smallest possible number up.
fn hypergeometric(marked: usize, drawn: usize, n: usize) -> Vec<f64> {
    let least = (marked + drawn).saturating_sub(n);
    let mode = ((marked + 1) * (drawn + 1) / (n + 2)).clamp(least, marked.min(drawn));
    from_mode(least, marked.min(drawn), mode, |k| {
        ((marked - k) as f64 * (drawn - k) as f64) / ((k + 1) as f64 * (n + k + 1 - marked - drawn) as f64)
    })
}

/// Returns the distribution on `least..=most` with the ratios `p(k + 1) / p(k)`, built outwards from its mode so that
/// nothing overflows.
fn from_mode(least: usize, most: usize, mode: usize, ratio: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut distribution = vec![0.0; most - least + 1];
    distribution[mode - least] = 1.0;
    for k in mode..most {
        distribution[k + 1 - least] = distribution[k - least] * ratio(k);
    }
    for k in (least..mode).rev() {
        distribution[k - least] = distribution[k + 1 - least] / ratio(k);
    }
    let total: f64 = distribution.iter().sum();
    distribution.into_iter().map(|p| p / total).collect()
}

/// Returns the probability of all outcomes that are at most as probable as `distribution[at]`.
fn two_sided(distribution: &[f64], at: usize) -> f64 {
    distribution.iter().filter(|&&p| p <= distribution[at] * EQUAL).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-300), "{a} {b}");
    }

    #[test]
    fn fisher_by_hand() {
        close(fisher([[3, 1], [1, 3]]), 34.0 / 70.0);
        close(fisher([[4, 0], [0, 4]]), 2.0 / 70.0);
        close(fisher([[5, 0], [7, 0]]), 1.0);
        close(fisher([[0, 0], [0, 0]]), 1.0);
    }

    #[test]
    fn mcnemar_by_hand() {
        close(mcnemar(0, 0), 1.0);
        close(mcnemar(5, 0), 2.0 / 32.0);
        close(mcnemar(1, 5), 14.0 / 64.0);
        close(mcnemar(3, 3), 1.0);
    }

    #[test]
    fn large_tables_neither_overflow_nor_lose_the_tail() {
        assert!(fisher([[900, 100], [100, 900]]) < 1e-200);
        assert!(fisher([[510, 490], [490, 510]]) > 0.3);
        assert!(mcnemar(1000, 0) < 1e-200);
    }
}
