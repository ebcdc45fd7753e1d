//! Hidden Calibration: the nearest class centroid in the last hidden state.

use crate::{analysis::measures::Prediction, attribution::Split, hidden::Hidden};

/// Hidden Calibration (Cho et al., NAACL 2025, arXiv 2406.16535; checked in the authors' code, `hidden_calibration` of
/// github.com/hc495/StaICC at 14a8743).
///
/// The centroid of a label is the mean final hidden state of its training examples, `gold` below `labels`. A test
/// example gets the label of the nearest centroid by Euclidean distance; its logits are the negative distances. The
/// authors draw new demonstrations for each training prompt; here all have those of the run. The state is the one after
/// the final norm, as in transformers' `hidden_states[-1]`. There is nothing to optimise and no regulariser.
pub(super) fn hidden_centroid(hidden: &Hidden, gold: &[usize], labels: usize) -> Prediction {
    let width = hidden.meta.width;
    let mut centroids = vec![vec![0.0; width]; labels];
    let counts: Vec<f64> = (0..labels).map(|label| gold.iter().filter(|&&y| y == label).count() as f64).collect();
    for (row, &label) in gold.iter().enumerate() {
        for (sum, &value) in centroids[label].iter_mut().zip(hidden.state(Split::Train, row)) {
            *sum += f64::from(value) / counts[label];
        }
    }
    let distance = |row: usize, centroid: &[f64]| {
        let squares = hidden.state(Split::Test, row).iter().zip(centroid).map(|(&x, c)| (f64::from(x) - c).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let rows = 0..hidden.len(Split::Test);
    Prediction::Logits(rows.flat_map(|row| centroids.iter().map(move |own| -distance(row, own))).collect())
}
