//! What a table of label logits says: predictions, ties, margins.
//!
//! Every function reads rows of `Y` logits, so that a component, a mix and the model itself are judged alike.

use crate::attribution::{Attribution, argmax};

/// The label each row of `logits` `[N, labels]` predicts: its largest value, ties to the first label.
pub fn predictions<T: PartialOrd>(logits: &[T], labels: usize) -> Vec<usize> {
    logits.chunks_exact(labels.max(1)).map(argmax).collect()
}

/// Index of the largest of some accuracies, the first of equals; `None` of none.
pub fn argbest(accuracies: &[f64]) -> Option<usize> {
    (!accuracies.is_empty()).then(|| argmax(accuracies))
}

/// Share of predictions that are right; 0 when there are none.
pub fn accuracy(predicted: &[usize], gold: &[usize]) -> f64 {
    let hits = predicted.iter().zip(gold).filter(|(p, y)| p == y).count();
    if gold.is_empty() { 0.0 } else { hits as f64 / gold.len() as f64 }
}

/// Whether another label reaches the largest value of `row` as well.
pub fn is_tied<T: PartialOrd>(row: &[T]) -> bool {
    let best = argmax(row);
    row.iter().skip(best + 1).any(|value| *value == row[best])
}

/// The strongest label other than `gold`, the first of equals; `gold` itself if there is only one label.
pub fn rival<T: PartialOrd>(row: &[T], gold: usize) -> usize {
    (0..row.len())
        .filter(|&label| label != gold)
        .reduce(|best, y| if row[y] > row[best] { y } else { best })
        .unwrap_or(gold)
}

/// Gold minus the strongest other label for every row of `logits` `[N, labels]`, in logits.
pub fn margins(logits: &[f64], gold: &[usize], labels: usize) -> Vec<f64> {
    let rows = logits.chunks_exact(labels.max(1)).zip(gold);
    rows.map(|(row, &gold)| row[gold] - row[rival(row, gold)]).collect()
}

/// The strongest rival of the gold label under the model's own logits, for every example `[N]`.
///
/// Margins are taken against this fixed rival when they are split over components, so that the parts add up.
pub fn rivals(table: &Attribution) -> Vec<usize> {
    table.full().chunks_exact(table.labels().max(1)).zip(table.gold()).map(|(row, &gold)| rival(row, gold)).collect()
}

/// What every component adds to the margin of example `row`, in logits: gold minus the rival of [`rivals`], `[C]`.
///
/// # Panics
/// If the table has no such row.
pub fn margin_contributions(table: &Attribution, row: usize) -> Vec<f64> {
    let (labels, gold) = (table.labels(), table.gold()[row]);
    let rival = rival(&table.full()[row * labels..(row + 1) * labels], gold);
    let difference = |values: &[f32]| f64::from(values[row * labels + gold]) - f64::from(values[row * labels + rival]);
    (0..table.shape().components()).map(|index| difference(table.contribution(index))).collect()
}

/// Probabilities of every row of `logits` `[N, labels]`.
pub fn softmax<T: Copy + Into<f64>>(logits: &[T], labels: usize) -> Vec<f64> {
    let mut probabilities: Vec<f64> = logits.iter().map(|&logit| logit.into()).collect();
    for row in probabilities.chunks_exact_mut(labels.max(1)) {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for value in &mut *row {
            *value = (*value - most).exp();
        }
        let total: f64 = row.iter().sum();
        for value in row {
            *value /= total;
        }
    }
    probabilities
}

/// Mean cross-entropy of `logits` `[N, labels]`, in nats; 0 when there are none.
pub fn cross_entropy<T: Copy + Into<f64>>(logits: &[T], gold: &[usize], labels: usize) -> f64 {
    let loss = |row: &[T], gold: usize| {
        let most = row.iter().map(|&z| z.into()).fold(f64::NEG_INFINITY, f64::max);
        row.iter().map(|&z| (z.into() - most).exp()).sum::<f64>().ln() + most - row[gold].into()
    };
    let rows = logits.chunks_exact(labels.max(1)).zip(gold);
    rows.map(|(row, &gold)| loss(row, gold)).sum::<f64>() / gold.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attribution::Batch, component::Shape};

    #[test]
    fn ties_are_seen_and_go_to_the_first_label() {
        assert_eq!(predictions(&[1.0, 1.0, 0.0, 2.0], 2), [0, 1]);
        assert!(is_tied(&[1.0, 1.0]) && !is_tied(&[1.0, 1.0, 3.0]) && !is_tied(&[0.5]));
    }

    #[test]
    fn the_rival_is_the_strongest_other_label() {
        assert_eq!(rival(&[5.0, 1.0, 2.0], 0), 2);
        assert_eq!(rival(&[5.0, 1.0, 2.0], 1), 0);
        assert_eq!(margins(&[5.0, 1.0, 2.0], &[0], 3), [3.0]);
        assert_eq!(margins(&[5.0, 1.0, 2.0], &[2], 3), [-3.0]);
    }

    #[test]
    fn margin_contributions_and_rest_add_up_to_the_margin() {
        let shape = Shape { layers: 1, heads: 1, labels: 3 };
        let mut table = Attribution::new(shape, vec![1]);
        let components = vec![1.0, 2.0, 0.5, 0.25, 4.0, 0.0];
        table.push(&Batch { examples: 1, components, rest: vec![0.0; 3], full: vec![1.25, 6.0, 0.5] });
        assert_eq!(rivals(&table), [0]);
        assert_eq!(margin_contributions(&table, 0), [1.0, 3.75]);
    }
}
