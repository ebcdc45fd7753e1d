//! Sparse attention vectors: a vote of the heads whose values best separate the classes.

use crate::{
    analysis::measures::Prediction,
    attribution::{Split, argmax},
    hidden::Hidden,
};

/// Number of heads that vote, as in the authors' defaults.
const HEADS: usize = 20;

/// Sparse attention vectors (SAVs; Mitra et al., ICCV 2025, arXiv 2412.00142; checked in the authors' code,
/// `mllm_encode` and `mllm_classify` of github.com/chancharikmitra/SAVs at 6304129).
///
/// For every head, the vector of a label is the mean of the head's `z` at the last token over the training examples of
/// that label, `gold` below `labels`. A head predicts the label with the largest cosine similarity; the 20 heads with the
/// most correct training examples vote, and the most votes win. Ties go to the first label within a head, to the first
/// head in the selection, and to the label that the better head votes for. The authors use 20 examples a label on prompts
/// without demonstrations; here it is the run's training split with its demonstrations. There is nothing to optimise and
/// no regulariser.
pub(super) fn sav(hidden: &Hidden, gold: &[usize], labels: usize) -> Prediction {
    let heads = hidden.meta.layers * hidden.meta.heads;
    let voters: Vec<Head> = (0..heads).map(|index| Head::new(hidden, index, gold, labels)).collect();
    let hits = |head: &Head| {
        let correct = gold.iter().enumerate().filter(|&(row, &y)| head.predict(hidden, Split::Train, row) == y);
        correct.count()
    };
    let mut ranked: Vec<(usize, &Head)> = voters.iter().map(|head| (hits(head), head)).collect();
    ranked.sort_by_key(|(hits, _)| std::cmp::Reverse(*hits));
    ranked.truncate(HEADS);
    let vote = |row: usize| {
        let mut votes = vec![(0, usize::MAX); labels];
        for (rank, (_, head)) in ranked.iter().enumerate() {
            let (count, first) = &mut votes[head.predict(hidden, Split::Test, row)];
            (*count, *first) = (*count + 1, rank.min(*first));
        }
        argmax(&votes.iter().map(|&(count, first)| (count, std::cmp::Reverse(first))).collect::<Vec<_>>())
    };
    Prediction::Labels((0..hidden.len(Split::Test)).map(vote).collect())
}

/// A head and its mean values per label.
struct Head {
    index: usize,
    means: Vec<Vec<f64>>,
}

impl Head {
    fn new(hidden: &Hidden, index: usize, gold: &[usize], labels: usize) -> Self {
        let mut means = vec![vec![0.0; hidden.meta.head_dim]; labels];
        for (row, &label) in gold.iter().enumerate() {
            let values = hidden.z(Split::Train, row, index);
            means[label].iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        Self { index, means }
    }

    /// Returns the label whose mean is most similar by cosine, which does not depend on the length of the mean.
    fn predict(&self, hidden: &Hidden, split: Split, row: usize) -> usize {
        let values = hidden.z(split, row, self.index);
        let similarity = |mean: &Vec<f64>| {
            let dot: f64 = mean.iter().zip(values).map(|(m, &x)| m * f64::from(x)).sum();
            let length = mean.iter().map(|m| m * m).sum::<f64>().sqrt();
            if length > 0.0 { dot / length } else { 0.0 }
        };
        argmax(&self.means.iter().map(similarity).collect::<Vec<_>>())
    }
}
