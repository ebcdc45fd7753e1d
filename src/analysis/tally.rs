//! Counts that follow a table as it fills.
//!
//! A [`Tally`] reads only the rows that are new since its last look. It holds all that accuracies, predicted shares,
//! kinds and tests need, so the explorer repaints from it between two batches, and `components` reads it once.

use rayon::prelude::*;

use crate::{
    analysis::predict::is_tied,
    attribution::{Attribution, argmax},
};

/// What one component predicted so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Examples by gold and predicted label, `[Y, Y]`, gold-major.
    pub confusion: Vec<usize>,
    /// Examples on which several labels share the largest contribution.
    pub ties: usize,
    /// Examples that it gets right and the full model gets wrong.
    pub only_component: usize,
    /// Examples that the full model gets right and it gets wrong.
    pub only_full: usize,
}

/// What every component predicted so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    labels: usize,
    seen: usize,
    counts: Vec<Counts>,
}

impl Tally {
    /// Counts of all rows that `table` has now.
    pub fn of(table: &Attribution) -> Self {
        let labels = table.labels();
        let nothing = Counts { confusion: vec![0; labels * labels], ties: 0, only_component: 0, only_full: 0 };
        let mut tally = Self { labels, seen: 0, counts: vec![nothing; table.shape().components()] };
        tally.update(table);
        tally
    }

    /// Counts the rows that came since the last look at the same table.
    pub fn update(&mut self, table: &Attribution) {
        let (labels, seen) = (self.labels, self.seen);
        if labels == 0 || table.len() <= seen {
            return;
        }
        let full: Vec<usize> = table.full()[seen * labels..].chunks_exact(labels).map(argmax).collect();
        let gold = &table.gold()[seen..];
        self.counts.par_iter_mut().enumerate().with_min_len(32).for_each(|(index, counts)| {
            counts.add(&table.contribution(index)[seen * labels..], gold, &full, labels);
        });
        self.seen = table.len();
    }

    /// Number of examples counted `N`.
    pub const fn len(&self) -> usize {
        self.seen
    }

    /// Whether nothing has been counted yet.
    pub const fn is_empty(&self) -> bool {
        self.seen == 0
    }

    /// Number of label words `Y`.
    pub const fn labels(&self) -> usize {
        self.labels
    }

    /// Counts of every component, in the order of the table's shape.
    pub fn counts(&self) -> &[Counts] {
        &self.counts
    }

    /// Share of examples that the component at `index` gets right; 0 before the first.
    pub fn accuracy(&self, index: usize) -> f64 {
        self.counts[index].hits(self.labels) as f64 / self.seen.max(1) as f64
    }

    /// Accuracy of every component.
    pub fn accuracies(&self) -> Vec<f64> {
        (0..self.counts.len()).map(|index| self.accuracy(index)).collect()
    }

    /// Share of examples on which the component at `index` predicts each label, `[Y]`.
    pub fn predicted(&self, index: usize) -> Vec<f64> {
        let n = self.seen.max(1) as f64;
        self.counts[index].predicted(self.labels).into_iter().map(|count| count as f64 / n).collect()
    }
}

impl Counts {
    fn add(&mut self, contribution: &[f32], gold: &[usize], full: &[usize], labels: usize) {
        for ((row, &gold), &full) in contribution.chunks_exact(labels).zip(gold).zip(full) {
            let predicted = argmax(row);
            self.confusion[gold * labels + predicted] += 1;
            self.ties += usize::from(is_tied(row));
            self.only_component += usize::from(predicted == gold && full != gold);
            self.only_full += usize::from(predicted != gold && full == gold);
        }
    }

    /// Examples that it gets right.
    pub fn hits(&self, labels: usize) -> usize {
        (0..labels).map(|label| self.confusion[label * labels + label]).sum()
    }

    /// Examples by gold label, `[labels]`.
    pub fn gold(&self, labels: usize) -> Vec<usize> {
        self.confusion.chunks_exact(labels.max(1)).map(|row| row.iter().sum()).collect()
    }

    /// Examples by predicted label, `[labels]`.
    pub fn predicted(&self, labels: usize) -> Vec<usize> {
        (0..labels).map(|label| self.confusion.iter().skip(label).step_by(labels).sum()).collect()
    }
}
