//! How surprising a number of hits is when predictions know nothing of the labels.
//!
//! Shuffle the predictions over the examples: both margins stay, any dependence goes. The number of hits then has a
//! law whose factorial moments are rook numbers, so its mean, variance and skewness are exact at any size.

use crate::analysis::exact::fisher;

/// Two-sided p-value of the hits in a confusion table `[Y, Y]` (gold-major), given both of its margins.
///
/// Two labels: Fisher's exact test.
pub fn hits_test(confusion: &[usize], labels: usize) -> f64 {
    match *confusion {
        [a, b, c, d] => fisher([[a, b], [c, d]]),
        _ => normal(confusion, labels),
    }
}

fn normal(confusion: &[usize], labels: usize) -> f64 {
    let gold: Vec<f64> = confusion.chunks_exact(labels.max(1)).map(|row| row.iter().sum::<usize>() as f64).collect();
    let predicted: Vec<f64> =
        (0..labels).map(|y| confusion.iter().skip(y).step_by(labels).sum::<usize>() as f64).collect();
    let hits: usize = (0..labels).map(|y| confusion[y * labels + y]).sum();
    let n: f64 = gold.iter().sum();
    let [first, second] = factorial_moments(&gold, &predicted, n);
    let variance = second + first - first * first;
    if n < 2.0 || variance <= 1e-12 {
        return 1.0;
    }
    let distance = ((hits as f64 - first).abs() - 0.5).max(0.0);
    libm::erfc(distance / variance.sqrt() / std::f64::consts::SQRT_2)
}

/// `E[hits]` and `E[hits · (hits − 1)]`.
fn factorial_moments(gold: &[f64], predicted: &[f64], n: f64) -> [f64; 2] {
    let boards = || gold.iter().zip(predicted);
    let single: f64 = boards().map(|(r, c)| r * c).sum();
    let within: f64 = boards().map(|(r, c)| r * (r - 1.0) * c * (c - 1.0)).sum();
    let squares: f64 = boards().map(|(r, c)| (r * c) * (r * c)).sum();
    let pairs = within + single * single - squares;
    [single / n.max(1.0), pairs / (n * (n - 1.0)).max(1.0)]
}
