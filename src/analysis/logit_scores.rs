//! Accuracy, margin, bias and calibration of label logits, with intervals: what the lens by layer shows of each point.
//!
//! Intervals resample test examples, with the same resamples as [`measures`](super::measures), so that those of two
//! points are paired.

use rayon::prelude::*;
use serde::Serialize;

use super::{
    measures::{Measured, Prediction, interval, measure, resamples},
    predict::{label_bias, margins, predictions},
};

/// Scores of label logits on one split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LogitScores {
    /// Share of correct predictions.
    pub accuracy: Measured,
    /// Mean margin (gold minus the strongest other label), in nats.
    pub margin: Measured,
    /// Graded label bias `1 − H(predicted) / log Y`, see [`label_bias`].
    pub bias: Measured,
    /// Expected calibration error of the softmax over labels; see [`Measures::ece`](super::measures::Measures::ece).
    pub ece: Option<Measured>,
    /// Mean negative log likelihood of the gold label under the same softmax, in nats.
    pub nll: Option<Measured>,
}

/// Scores each of `points`, label logits `[N, labels]`, on examples with the labels `gold`, below `labels`.
pub fn logit_scores(points: &[Vec<f64>], gold: &[usize], labels: usize) -> Vec<LogitScores> {
    let draws: Vec<Vec<u32>> = resamples(gold.len()).collect();
    points.par_iter().map(|logits| score(logits, gold, labels, &draws)).collect()
}

fn score(logits: &[f64], gold: &[usize], labels: usize, draws: &[Vec<u32>]) -> LogitScores {
    let (predicted, margins) = (predictions(logits, labels), margins(logits, gold, labels));
    let values = |counts: &[u32]| values(counts, &predicted, &margins, gold, labels);
    let whole = values(&vec![1; gold.len()]);
    let drawn: Vec<[f64; 3]> = draws.iter().map(|counts| values(counts)).collect();
    let measured =
        |at: usize| Measured { value: whole[at], ci: interval(drawn.iter().map(|values| values[at]).collect()) };
    let calibration = measure(&[&Prediction::Logits(logits.to_vec())], gold, labels, None)[0];
    LogitScores {
        accuracy: measured(0),
        margin: measured(1),
        bias: measured(2),
        ece: calibration.ece,
        nll: calibration.nll,
    }
}

/// Accuracy, mean margin and bias on a resample in which every example occurs `counts` times.
fn values(counts: &[u32], predicted: &[usize], margins: &[f64], gold: &[usize], labels: usize) -> [f64; 3] {
    let (mut n, mut hits, mut margin, mut shares) = (0, 0, 0.0, vec![0; labels]);
    for (example, &count) in counts.iter().enumerate() {
        n += count;
        hits += if predicted[example] == gold[example] { count } else { 0 };
        margin += f64::from(count) * margins[example];
        shares[predicted[example]] += count as usize;
    }
    let n = f64::from(n.max(1));
    [f64::from(hits) / n, margin / n, label_bias(&shares)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_by_hand() {
        let logits = vec![2.0, 0.0, 1.0, 0.0, 0.0, 3.0, 1.0, 0.0];
        let scores = logit_scores(&[logits], &[0, 1, 1, 0], 2)[0];
        assert_eq!((scores.accuracy.value, scores.margin.value), (0.75, (2.0 - 1.0 + 3.0 + 1.0) / 4.0));
        let (p, q) = (0.75_f64, 0.25_f64);
        assert!((scores.bias.value - (1.0 + (p * p.ln() + q * q.ln()) / 2.0_f64.ln())).abs() < 1e-12);
        let loss = |margin: f64| (1.0 + (-margin).exp()).ln();
        let expected = (loss(2.0) + loss(-1.0) + loss(3.0) + loss(1.0)) / 4.0;
        assert!((scores.nll.unwrap().value - expected).abs() < 1e-12);
        for measured in [scores.accuracy, scores.margin, scores.bias, scores.ece.unwrap(), scores.nll.unwrap()] {
            assert!(measured.ci.0 <= measured.ci.1 && measured.ci.0 < measured.ci.1 + 1e-12);
        }
        assert!(scores.accuracy.ci.0 < 0.75 && scores.accuracy.ci.1 > 0.75);
    }

    #[test]
    fn points_share_resamples_and_do_not_depend_on_each_other() {
        let logits = |seed: usize| (0..60).map(|i| ((i * 37 + seed * 11) % 23) as f64).collect::<Vec<f64>>();
        let gold: Vec<usize> = (0..20).map(|i| i % 3).collect();
        let both = logit_scores(&[logits(1), logits(2)], &gold, 3);
        assert_eq!(both[1], logit_scores(&[logits(2)], &gold, 3)[0]);
        let halved: Vec<f64> = logits(1).iter().map(|logit| logit / 2.0).collect();
        let halved = logit_scores(&[halved], &gold, 3)[0];
        assert_eq!((halved.accuracy, halved.bias), (both[0].accuracy, both[0].bias), "a scale changes no prediction");
        assert!((halved.margin.ci.0 * 2.0 - both[0].margin.ci.0).abs() < 1e-12);
    }
}
