//! LinC: a learned affine map of the model's probabilities.

use crate::{
    analysis::{baseline::mean_probabilities, check::trainable, measures::Prediction, predict::softmax},
    attribution::Attribution,
    cancel::Cancel,
    error::Result,
};

/// Step size and passes over the labels: those of the authors' script for SST-2 with four shots
/// (`examples_ssh/cls_sst2_llama2_4shot.sh`); they tune both for each data set, model and number of shots.
const RATE: f64 = 0.000_99;
const EPOCHS: usize = 15;

/// Linear calibration (LinC; Abbas et al., AISTATS 2024, arXiv 2401.12406; checked in the authors' code,
/// `eval_accuracy` of github.com/mominabbass/LinC at 364099f).
///
/// Test probabilities `p` become `softmax(W p + b)`. `W` starts as the inverse of the diagonal matrix of the mean
/// probabilities on content-free inputs, `content_free` logits `[M, Y]`, and `b` as 0: contextual calibration. Stochastic
/// gradient descent on the cross-entropy, one training example a step and without a regulariser, changes all of `W` and
/// `b`. The authors reshuffle the examples before each pass; here they keep the order of the table, so that the result
/// depends on no generator. Their validation prompts have other demonstrations than the test prompts; ours have the
/// same. In f64; `tools/reference_arena.py` is the reference.
///
/// # Errors
/// If nothing can be learned from the training split, or it was cancelled.
pub fn linc(train: &Attribution, content_free: &[f32], test: &[f32], cancel: &Cancel) -> Result<Prediction> {
    trainable(train, &[])?;
    let labels = train.labels();
    let prior = mean_probabilities(content_free, labels);
    let mut map = vec![0.0; labels * labels];
    for (label, p) in prior.iter().enumerate() {
        map[label * labels + label] = 1.0 / p.max(f64::MIN_POSITIVE);
    }
    let mut offset = vec![0.0; labels];
    let probabilities = softmax(train.full(), labels);
    for _ in 0..EPOCHS {
        cancel.check()?;
        for (p, &gold) in probabilities.chunks_exact(labels).zip(train.gold()) {
            let predicted = softmax(&mapped(&map, &offset, p), labels);
            for label in 0..labels {
                let residual = predicted[label] - f64::from(u8::from(label == gold));
                offset[label] -= RATE * residual;
                for (weight, p) in map[label * labels..(label + 1) * labels].iter_mut().zip(p) {
                    *weight -= RATE * residual * p;
                }
            }
        }
    }
    let test = softmax(test, labels);
    Ok(Prediction::Logits(test.chunks_exact(labels).flat_map(|p| mapped(&map, &offset, p)).collect()))
}

/// Returns `W p + b`.
fn mapped(map: &[f64], offset: &[f64], p: &[f64]) -> Vec<f64> {
    let dot = |row: &[f64]| row.iter().zip(p).map(|(w, p)| w * p).sum::<f64>();
    map.chunks_exact(p.len()).zip(offset).map(|(row, b)| dot(row) + b).collect()
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
        train: Vec<f32>,
        content_free: Vec<f32>,
        test: Vec<f32>,
        logits: Vec<f64>,
    }

    #[test]
    fn logits_match_the_reference() {
        for case in golden::<Vec<Golden>>("linc") {
            let shape = Shape { layers: 1, heads: 0, labels: case.labels };
            let mut train = Attribution::new(shape, case.gold.clone());
            let (components, rest) = (case.train.clone(), vec![0.0; case.train.len()]);
            train.push(&Batch { examples: case.gold.len(), components, rest, full: case.train, norms: Vec::new() });
            let found = linc(&train, &case.content_free, &case.test, &Cancel::default()).unwrap();
            let Prediction::Logits(logits) = found else { panic!("no probabilities") };
            for (ours, theirs) in logits.iter().zip(&case.logits) {
                assert!((ours - theirs).abs() < 1e-4, "{ours} {theirs}");
            }
        }
    }
}
