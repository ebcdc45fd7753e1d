//! Majority vote of components.

use crate::{
    analysis::{baseline::single::ranking, predict::predictions},
    attribution::{Attribution, argmax},
};

/// Returns the indices of the `n` components most accurate on `table`, best first.
pub fn most_accurate(table: &Attribution, n: usize) -> Vec<usize> {
    let mut order = ranking(table);
    order.truncate(n);
    order
}

/// Returns the label that most of `voters` predict, `[N]`. Between labels with equal votes, the voters listed first
/// decide.
pub fn vote(table: &Attribution, voters: &[usize]) -> Vec<usize> {
    let labels = table.labels();
    let mut ballots = vec![0.0; table.len() * labels];
    let mut preference = 0.5;
    for &voter in voters {
        preference *= 0.5;
        for (row, label) in ballots.chunks_exact_mut(labels.max(1)).zip(predictions(table.contribution(voter), labels))
        {
            row[label] += 1.0 + preference;
        }
    }
    ballots.chunks_exact(labels.max(1)).map(argmax).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attribution::Batch, component::Shape};

    #[test]
    fn the_majority_wins_and_the_first_voters_break_ties() {
        let mut table = Attribution::new(Shape { layers: 2, heads: 1, labels: 2 }, vec![0]);
        let components = vec![0.0, 1.0, 0.0, 9.0, 1.0, 0.0, 1.0, 0.0];
        table.push(&Batch { examples: 1, components, rest: vec![0.0; 2], full: vec![0.0; 2], norms: Vec::new() });
        assert_eq!(vote(&table, &[0, 2, 3]), [0]);
        assert_eq!(vote(&table, &[0, 2]), [1]);
        assert_eq!(vote(&table, &[2, 0]), [0]);
        assert_eq!(vote(&table, &[3, 1, 0, 2]), [0]);
    }
}
