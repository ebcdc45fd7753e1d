//! Calib+: a learned factor per label.

use crate::{
    analysis::{check::trainable, measures::Prediction, predict::softmax},
    attribution::{Attribution, argmax},
    cancel::Cancel,
    error::Result,
};

/// Step size, maximum epochs and patience of the released code; training accuracy is checked every hundred epochs.
const RATE: f64 = 0.05;
const EPOCHS: usize = 5000;
const PATIENCE: usize = 3;
const CHECK_EVERY: usize = 100;

/// A factor per label on the model's probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The factors `v`, `[Y]`.
    pub factors: Vec<f64>,
    /// Gradient descent steps taken.
    pub epochs: usize,
}

/// Learns `v` in `p̂ = softmax(v · p)`, where `p` are the model's probabilities, on the training labels.
///
/// The loop is that of the paper's released code: mean cross-entropy, full batch, plain gradient descent from `v = 1`,
/// stopped at 100% training accuracy (checked before the steps 0, 100, 200 …) or at the third epoch without a new
/// lowest loss; in f64. `tools/reference_baselines.py` computes the golden factors.
///
/// # Errors
/// If nothing can be learned from the training split, or it was cancelled.
pub fn calib_plus(train: &Attribution, cancel: &Cancel) -> Result<Calibration> {
    trainable(train, &[])?;
    let labels = train.labels();
    let probabilities = softmax(train.full(), labels);
    let mut calibration = Calibration { factors: vec![1.0; labels], epochs: 0 };
    let (mut least, mut patience) = (100.0, PATIENCE);
    while calibration.epochs < EPOCHS && patience > 0 {
        cancel.check()?;
        let epoch = calibration.epochs;
        if epoch.is_multiple_of(CHECK_EVERY) && calibration.classify(&probabilities) == train.gold() {
            break;
        }
        let loss = calibration.step(&probabilities, train.gold());
        (patience, least) = if loss < least { (patience, loss) } else { (patience - 1, least) };
    }
    Ok(calibration)
}

impl Calibration {
    /// Returns the predicted distribution `softmax(v · p)` from the model's own label logits `[N, Y]`.
    pub fn prediction(&self, full: &[f32]) -> Prediction {
        let labels = self.factors.len();
        Prediction::Logits(softmax(full, labels).chunks_exact(labels).flat_map(|p| self.scaled(p)).collect())
    }

    fn classify(&self, probabilities: &[f64]) -> Vec<usize> {
        probabilities.chunks_exact(self.factors.len()).map(|p| argmax(&self.scaled(p))).collect()
    }

    fn scaled(&self, p: &[f64]) -> Vec<f64> {
        p.iter().zip(&self.factors).map(|(p, v)| p * v).collect()
    }

    /// Takes one gradient descent step and returns the loss before it.
    fn step(&mut self, probabilities: &[f64], gold: &[usize]) -> f64 {
        let (labels, n) = (self.factors.len(), gold.len() as f64);
        let (mut loss, mut gradient) = (0.0, vec![0.0; labels]);
        for (p, &gold) in probabilities.chunks_exact(labels).zip(gold) {
            let predicted = softmax(&self.scaled(p), labels);
            loss -= predicted[gold].ln() / n;
            for label in 0..labels {
                let residual = predicted[label] - f64::from(u8::from(label == gold));
                gradient[label] += residual * p[label] / n;
            }
        }
        for (factor, gradient) in self.factors.iter_mut().zip(gradient) {
            *factor -= RATE * gradient;
        }
        self.epochs += 1;
        loss
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::{analysis::golden::golden, attribution::Batch, component::Shape};

    #[derive(Deserialize)]
    struct Golden {
        labels: usize,
        gold: Vec<usize>,
        full: Vec<f32>,
        factors: Vec<f64>,
        epochs: usize,
    }

    #[test]
    fn factors_match_the_reference() {
        for case in golden::<Vec<Golden>>("calib") {
            let shape = Shape { layers: 1, heads: 0, labels: case.labels };
            let mut train = Attribution::new(shape, case.gold.clone());
            let (components, rest) = (case.full.clone(), vec![0.0; case.full.len()]);
            train.push(&Batch { examples: case.gold.len(), components, rest, full: case.full, norms: Vec::new() });
            let calibration = calib_plus(&train, &Cancel::default()).unwrap();
            assert_eq!(calibration.epochs, case.epochs);
            for (ours, theirs) in calibration.factors.iter().zip(&case.factors) {
                assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs}");
            }
        }
    }
}
