//! Counts of the predictions of one component.

use crate::{
    analysis::predict::{is_tied, margin_contributions},
    attribution::argmax,
};

/// Counts of the predictions of one component.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// Examples by gold and predicted label, `[Y, Y]`, gold-major.
    pub confusion: Vec<usize>,
    /// Examples by predicted label, `[Y]`.
    pub predicted: Vec<usize>,
    /// Examples that it predicts correctly.
    pub hits: usize,
    /// Examples on which several labels share the largest contribution.
    pub ties: usize,
    /// Examples that only the component predicts correctly, not the full model.
    pub only_component: usize,
    /// Examples that only the full model predicts correctly, not the component.
    pub only_full: usize,
    /// Sum over examples of its contribution to gold minus that to the strongest rival under the full model, in nats.
    pub margin: f64,
}

/// Labels of the new rows, `[rows]` each.
pub(super) struct RowLabels<'a> {
    /// The right label.
    pub(super) gold: &'a [usize],
    /// The label that the full model predicts.
    pub(super) full: &'a [usize],
    /// The strongest label under the full model that is not gold.
    pub(super) rivals: &'a [usize],
    /// Number of label words `Y`.
    pub(super) labels: usize,
}

impl Counts {
    /// Counts of no example yet.
    pub(super) fn new(labels: usize) -> Self {
        Self {
            confusion: vec![0; labels * labels],
            predicted: vec![0; labels],
            hits: 0,
            ties: 0,
            only_component: 0,
            only_full: 0,
            margin: 0.0,
        }
    }

    /// Counts the contributions `[rows, Y]` to new rows; `addends` are its parts of the full model's logits.
    pub(super) fn add(&mut self, contribution: &[f32], addends: &[f32], rows: &RowLabels<'_>) {
        let labels = rows.labels;
        let margins = margin_contributions(addends, rows.gold, rows.rivals, labels);
        let examples = contribution.chunks_exact(labels).zip(rows.gold).zip(rows.full).zip(margins);
        let (mut hits, mut ties, mut only_component, mut only_full, mut sum) = (0, 0, 0, 0, self.margin);
        for (((row, &gold), &full), margin) in examples {
            let predicted = argmax(row);
            let (right, full_right) = (predicted == gold, full == gold);
            self.confusion[gold * labels + predicted] += 1;
            self.predicted[predicted] += 1;
            hits += usize::from(right);
            ties += usize::from(is_tied(row, predicted));
            only_component += usize::from(right && !full_right);
            only_full += usize::from(!right && full_right);
            sum += margin;
        }
        self.hits += hits;
        self.ties += ties;
        self.only_component += only_component;
        self.only_full += only_full;
        self.margin = sum;
    }

    /// Examples by gold label, `[labels]`.
    pub fn gold(&self, labels: usize) -> Vec<usize> {
        self.confusion.chunks_exact(labels.max(1)).map(|row| row.iter().sum()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_hand() {
        // Predictions 0 (tied), 1, 1, 0 for gold 0, 1, 0, 1; the model predicts 1, 1, 0, 0.
        let contribution = [2.0, 2.0, 0.0, 3.0, -1.0, 0.5, 1.0, 0.0];
        let rows = RowLabels { gold: &[0, 1, 0, 1], full: &[1, 1, 0, 0], rivals: &[1, 0, 1, 0], labels: 2 };
        let mut counts = Counts::new(2);
        counts.add(&contribution, &contribution, &rows);
        assert_eq!((&counts.confusion[..], &counts.predicted[..]), (&[1, 1, 1, 1][..], &[2, 2][..]));
        assert_eq!((counts.hits, counts.ties, counts.only_component, counts.only_full), (2, 1, 1, 1));
        assert_eq!((counts.margin, counts.gold(2)), (0.0 + 3.0 - 1.5 - 1.0, vec![2, 2]));
    }
}
