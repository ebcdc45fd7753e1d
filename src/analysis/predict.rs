//! Predictions, ties and margins of label logits.
//!
//! Every function reads rows of `Y` logits, so components, mixes and the model are scored by the same code.

use crate::attribution::{Attribution, argmax};

/// Predicted label of each row of `logits` `[N, labels]`: the largest value, ties to the first label.
pub fn predictions<T: PartialOrd>(logits: &[T], labels: usize) -> Vec<usize> {
    logits.chunks_exact(labels.max(1)).map(argmax).collect()
}

/// Index of the largest accuracy, the first of equals; `None` if there are none.
pub fn argbest(accuracies: &[f64]) -> Option<usize> {
    (!accuracies.is_empty()).then(|| argmax(accuracies))
}

/// Share of correct predictions; 0 if there are none.
pub fn accuracy(predicted: &[usize], gold: &[usize]) -> f64 {
    let hits = predicted.iter().zip(gold).filter(|(p, y)| p == y).count();
    if gold.is_empty() { 0.0 } else { hits as f64 / gold.len() as f64 }
}

/// Whether another label has the largest value of `row` too; `predicted` is the first label with that value.
pub fn is_tied<T: PartialOrd>(row: &[T], predicted: usize) -> bool {
    row[predicted + 1..].iter().any(|value| *value == row[predicted])
}

/// The strongest label other than `gold`, the first of equals; `gold` itself if there is only one label.
pub fn rival<T: PartialOrd>(row: &[T], gold: usize) -> usize {
    (0..row.len())
        .filter(|&label| label != gold)
        .reduce(|best, y| if row[y] > row[best] { y } else { best })
        .unwrap_or(gold)
}

/// Gold minus the strongest other label of one row of `Y` logits, in nats; 0 if there is only one label.
pub fn margin<T: Copy + PartialOrd + Into<f64>>(row: &[T], gold: usize) -> f64 {
    row[gold].into() - row[rival(row, gold)].into()
}

/// The [`margin`] of every row of `logits` `[N, labels]`, in nats, `[N]`.
pub fn margins(logits: &[f64], gold: &[usize], labels: usize) -> Vec<f64> {
    logits.chunks_exact(labels.max(1)).zip(gold).map(|(row, &gold)| margin(row, gold)).collect()
}

/// The strongest rival of the gold label under the model's own logits on example `row`.
///
/// Margins are taken against this fixed rival when they are split over components, so that the parts add up.
///
/// # Panics
/// If the table has no such row.
pub fn rival_of(table: &Attribution, row: usize) -> usize {
    let labels = table.labels();
    rival(&table.full()[row * labels..(row + 1) * labels], table.gold()[row])
}

/// The rival of every example ([`rival_of`]), `[N]`.
pub fn rivals(table: &Attribution) -> Vec<usize> {
    (0..table.len()).map(|row| rival_of(table, row)).collect()
}

/// Contributions of one component to the margin of each example, gold minus rival, in nats, `[N]`; `values` are its
/// contributions `[N, labels]`.
pub fn margin_contributions<'a>(
    values: &'a [f32],
    gold: &'a [usize],
    rivals: &'a [usize],
    labels: usize,
) -> impl Iterator<Item = f64> + 'a {
    let rows = values.chunks_exact(labels.max(1)).zip(gold).zip(rivals);
    rows.map(|((row, &gold), &rival)| f64::from(row[gold]) - f64::from(row[rival]))
}

/// Contributions of all components to the logit of label `of` minus that of label `over` on example `row`, in nats,
/// `[C]`.
///
/// # Panics
/// If the table has no such row or label.
pub fn component_margins(table: &Attribution, row: usize, of: usize, over: usize) -> Vec<f64> {
    let components = 0..table.shape().components();
    components.map(|index| difference(&table.addends(row, index), table.labels(), 0, of, over)).collect()
}

/// Row `row` of `values` `[N, labels]`: its value at the label `of` minus that at the label `over`.
///
/// # Panics
/// If there is no such row or label.
pub fn difference(values: &[f32], labels: usize, row: usize, of: usize, over: usize) -> f64 {
    f64::from(values[row * labels + of]) - f64::from(values[row * labels + over])
}

/// Graded label bias `1 − H(predicted) / log Y` in `[0, 1]`, from the number of examples by predicted label `[Y]`: 0 if
/// all labels are predicted equally often, 1 if only one is; 0 with fewer than two labels or no examples.
pub fn label_bias(predicted: &[usize]) -> f64 {
    let n = predicted.iter().sum::<usize>();
    if predicted.len() < 2 || n == 0 {
        return 0.0;
    }
    let shares = predicted.iter().filter(|&&count| count > 0).map(|&count| count as f64 / n as f64);
    let entropy: f64 = shares.map(|share| -share * share.ln()).sum();
    (1.0 - entropy / (predicted.len() as f64).ln()).clamp(0.0, 1.0)
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

/// Mean cross-entropy of `logits` `[N, labels]`, in nats; 0 if there are none.
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
        let tied = |row: &[f64]| is_tied(row, argmax(row));
        assert!(tied(&[1.0, 1.0]) && !tied(&[1.0, 1.0, 3.0]) && !tied(&[0.5]));
    }

    #[test]
    fn the_rival_is_the_strongest_other_label() {
        assert_eq!(rival(&[5.0, 1.0, 2.0], 0), 2);
        assert_eq!(rival(&[5.0, 1.0, 2.0], 1), 0);
        assert_eq!(margins(&[5.0, 1.0, 2.0], &[0], 3), [3.0]);
        assert_eq!(margins(&[5.0, 1.0, 2.0], &[2], 3), [-3.0]);
        assert_eq!(rival(&[3.0, 3.0, 3.0], 0), 1);
        assert_eq!((margin(&[1.5_f32, 2.0], 0), margin(&[7.0_f32], 0)), (-0.5, 0.0));
    }

    #[test]
    fn label_bias_is_one_minus_the_normalised_entropy() {
        assert_eq!(label_bias(&[0, 5, 0]), 1.0);
        assert_eq!((label_bias(&[4, 4]), label_bias(&[0, 0]), label_bias(&[9])), (0.0, 0.0, 0.0));
        // By hand: 1 − H(3/4, 1/4) in bits = 1 − (2 − 3/4 · log2 3) = 0.18872187554086717.
        assert!((label_bias(&[3, 1]) - 0.188_721_875_540_867_17).abs() < 1e-15);
    }

    #[test]
    fn margin_contributions_and_rest_add_up_to_the_margin() {
        let shape = Shape { layers: 1, heads: 1, labels: 3 };
        let mut table = Attribution::new(shape, vec![1]);
        let components = vec![1.0, 2.0, 0.5, 0.25, 4.0, 0.0];
        table.push(&Batch {
            examples: 1,
            components,
            rest: vec![0.0; 3],
            full: vec![1.25, 6.0, 0.5],
            norms: Vec::new(),
        });
        assert_eq!(rivals(&table), [0]);
        assert_eq!(component_margins(&table, 0, 1, 0), [1.0, 3.75]);
        assert_eq!(margin_contributions(table.contribution(1), &[1], &[0], 3).collect::<Vec<_>>(), [3.75]);
    }
}
