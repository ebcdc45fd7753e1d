//! Measures of predictions beside accuracy: macro-F1, calibration error, likelihood and label shares, with intervals.
//!
//! Intervals resample test examples, for one set of training labels. All methods of a run share the resamples, so that
//! differences between methods are paired.

use serde::Serialize;

use crate::{analysis::predict::predictions, attribution::argmax, random::SeededRng};

/// Number of bootstrap resamples.
const DRAWS: usize = 500;
/// Number of confidence bins of the calibration error.
const BINS: usize = 15;

/// What a method predicts for `N` examples.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// Log-probabilities up to a constant per example, `[N, Y]`.
    Logits(Vec<f64>),
    /// Labels alone, `[N]`.
    Labels(Vec<usize>),
}

impl Prediction {
    /// Takes single-precision logits `[N, Y]`.
    pub fn from_logits(logits: &[f32]) -> Self {
        Self::Logits(logits.iter().copied().map(f64::from).collect())
    }

    /// Takes probabilities `[N, Y]`; 0 becomes the smallest positive number.
    pub fn from_probabilities(probabilities: &[f64]) -> Self {
        Self::Logits(probabilities.iter().map(|p| p.max(f64::MIN_POSITIVE).ln()).collect())
    }

    /// Returns the predicted labels, ties to the first, `[N]`.
    pub fn labels(&self, labels: usize) -> Vec<usize> {
        match self {
            Self::Logits(logits) => predictions(logits, labels),
            Self::Labels(predicted) => predicted.clone(),
        }
    }
}

/// A value with its 95% percentile interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// The value.
    pub value: f64,
    /// The interval.
    pub ci: (f64, f64),
}

/// Measures of one method on one test split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measures {
    /// Mean F1 over the labels that are gold or predicted; 0 for one that is only predicted or never predicted.
    pub macro_f1: Measured,
    /// Expected calibration error: the mean distance of accuracy and confidence over 15 equal bins of confidence, the
    /// largest probability, weighted by their examples (Guo et al. 2017, arXiv 1706.04599). `None` without
    /// probabilities.
    pub ece: Option<Measured>,
    /// Mean negative log likelihood of the gold label, in nats. `None` without probabilities.
    pub nll: Option<Measured>,
    /// Standard deviation over labels of the share of predictions minus the share of gold labels.
    pub share_sd: Measured,
    /// Accuracy minus that of the reference method; `None` without one.
    pub difference: Option<Measured>,
}

/// Measures all `methods` on examples with the labels `gold`, below `labels`; differences are to the method at
/// `reference`.
pub fn measure(methods: &[&Prediction], gold: &[usize], labels: usize, reference: Option<usize>) -> Vec<Measures> {
    let examples: Vec<Examples> = methods.iter().map(|method| Examples::new(method, gold, labels)).collect();
    let mut draws: Vec<Vec<Values>> = vec![Vec::with_capacity(DRAWS); methods.len()];
    let of_all = |counts: &[u32]| -> Vec<Values> {
        let values = examples.iter().map(|examples| examples.values(counts, gold, labels));
        values.collect()
    };
    let whole = of_all(&vec![1; gold.len()]);
    for counts in resamples(gold.len()) {
        draws.iter_mut().zip(of_all(&counts)).for_each(|(draws, values)| draws.push(values));
    }
    let summary = |method: usize| {
        let measured = |of: &dyn Fn(&Values) -> f64| Measured {
            value: of(&whole[method]),
            ci: interval(draws[method].iter().map(of).collect()),
        };
        let known = examples[method].probabilities.is_some();
        Measures {
            macro_f1: measured(&|values| values.macro_f1),
            ece: known.then(|| measured(&|values| values.ece)),
            nll: known.then(|| measured(&|values| values.nll)),
            share_sd: measured(&|values| values.share_sd),
            difference: reference.map(|reference| Measured {
                value: whole[method].accuracy - whole[reference].accuracy,
                ci: interval(
                    draws[method].iter().zip(&draws[reference]).map(|(a, b)| a.accuracy - b.accuracy).collect(),
                ),
            }),
        }
    };
    (0..methods.len()).map(summary).collect()
}

/// Draws the resamples of `examples` that all measures share: how often each example occurs; none of no examples.
pub(super) fn resamples(examples: usize) -> impl Iterator<Item = Vec<u32>> {
    let mut rng = SeededRng::stream(0, 12);
    (0..if examples == 0 { 0 } else { DRAWS }).map(move |_| {
        let mut counts = vec![0; examples];
        (0..examples).for_each(|_| counts[rng.below(examples)] += 1);
        counts
    })
}

/// Returns the 2.5% and the 97.5% quantile; `(0, 0)` of nothing.
pub(super) fn interval(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let quantile = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    if values.is_empty() { (0.0, 0.0) } else { (quantile(0.025), quantile(0.975)) }
}

/// Values on one resample.
#[derive(Clone, Copy, Debug, Default)]
struct Values {
    accuracy: f64,
    macro_f1: f64,
    ece: f64,
    nll: f64,
    share_sd: f64,
}

/// What one method says of every example.
struct Examples {
    predicted: Vec<usize>,
    /// Confidence and negative log likelihood of the gold label, if the method has probabilities.
    probabilities: Option<Vec<(f64, f64)>>,
}

impl Examples {
    fn new(method: &Prediction, gold: &[usize], labels: usize) -> Self {
        let row = |(row, &gold): (&[f64], &usize)| {
            let largest = row[argmax(row)];
            let total: f64 = row.iter().map(|logit| (logit - largest).exp()).sum();
            (1.0 / total, total.ln() - (row[gold] - largest))
        };
        let probabilities = match method {
            Prediction::Logits(logits) => Some(logits.chunks_exact(labels.max(1)).zip(gold).map(row).collect()),
            Prediction::Labels(_) => None,
        };
        Self { predicted: method.labels(labels), probabilities }
    }

    /// Returns the values on a resample in which every example occurs `counts` times.
    fn values(&self, counts: &[u32], gold: &[usize], labels: usize) -> Values {
        let mut confusion = vec![0.0; labels * labels];
        let mut bins = [(0.0, 0.0); BINS];
        let (mut nll, mut n) = (0.0, 0.0);
        for (example, (&count, (&gold, &predicted))) in counts.iter().zip(gold.iter().zip(&self.predicted)).enumerate()
        {
            let count = f64::from(count);
            n += count;
            confusion[gold * labels + predicted] += count;
            if let Some((confidence, loss)) = self.probabilities.as_ref().map(|all| all[example]) {
                nll += count * loss;
                // The bins are open below: (0, 1/15], …, (14/15, 1].
                let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
                bins[bin].0 += count * confidence;
                bins[bin].1 += count * f64::from(u8::from(gold == predicted));
            }
        }
        let n = if n > 0.0 { n } else { 1.0 };
        let ece = bins.iter().map(|(confidence, hits)| (hits - confidence).abs()).sum::<f64>() / n;
        let hits = (0..labels).map(|label| confusion[label * labels + label]).sum::<f64>();
        let (macro_f1, share_sd) = by_label(&confusion, labels, n);
        Values { accuracy: hits / n, macro_f1, ece, nll: nll / n, share_sd }
    }
}

/// Returns macro-F1 and the deviation of label shares of `confusion` `[gold, predicted]` on `n` examples.
fn by_label(confusion: &[f64], labels: usize, n: f64) -> (f64, f64) {
    let (mut scores, mut present, mut squares) = (0.0, 0.0, 0.0);
    for label in 0..labels {
        let gold: f64 = confusion[label * labels..(label + 1) * labels].iter().sum();
        let predicted: f64 = confusion.iter().skip(label).step_by(labels).sum();
        squares += ((predicted - gold) / n).powi(2);
        if gold + predicted > 0.0 {
            present += 1.0;
            scores += 2.0 * confusion[label * labels + label] / (gold + predicted);
        }
    }
    (if present > 0.0 { scores / present } else { 0.0 }, (squares / labels.max(1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::analysis::golden::golden;

    #[derive(Deserialize)]
    struct Golden {
        labels: usize,
        gold: Vec<usize>,
        logits: Vec<f64>,
        macro_f1: f64,
        ece: f64,
        nll: f64,
        share_sd: f64,
    }

    #[test]
    fn values_match_the_reference() {
        for case in golden::<Vec<Golden>>("measures") {
            let own = measure(&[&Prediction::Logits(case.logits)], &case.gold, case.labels, None)[0];
            let (ece, nll) = (own.ece.unwrap(), own.nll.unwrap());
            for (ours, theirs) in
                [(own.macro_f1, case.macro_f1), (ece, case.ece), (nll, case.nll), (own.share_sd, case.share_sd)]
            {
                assert!((ours.value - theirs).abs() < 1e-9, "{ours:?} {theirs}");
            }
            assert!(nll.ci.0 < nll.value && nll.value < nll.ci.1);
        }
    }

    #[test]
    fn labels_alone_have_no_probabilities_and_differences_are_paired() {
        let gold: Vec<usize> = (0..200).map(|i| i % 2).collect();
        let wrong_on = |every: usize| {
            Prediction::Labels(gold.iter().enumerate().map(|(i, y)| if i % every == 0 { 1 - y } else { *y }).collect())
        };
        let (a, b) = (wrong_on(4), wrong_on(5));
        let measured = measure(&[&a, &b, &a], &gold, 2, Some(0));
        assert_eq!((measured[0].ece, measured[0].nll), (None, None));
        let same = measured[2].difference.unwrap();
        assert_eq!((same.value, same.ci), (0.0, (0.0, 0.0)), "the same predictions never differ");
        let other = measured[1].difference.unwrap();
        assert!((other.value - 0.05).abs() < 1e-12 && other.ci.0 < 0.05 && other.ci.1 > 0.05);
    }

    #[test]
    fn one_predicted_label_has_the_largest_deviation_of_shares() {
        let gold: Vec<usize> = (0..90).map(|i| i % 3).collect();
        let measured = measure(&[&Prediction::Labels(vec![0; 90])], &gold, 3, None)[0];
        assert!((measured.share_sd.value - (6.0_f64 / 27.0).sqrt()).abs() < 1e-12);
        assert!((measured.macro_f1.value - 1.0 / 6.0).abs() < 1e-12, "F1 of one label is ½, of two 0");
    }
}
