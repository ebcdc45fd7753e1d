//! Single components as classifiers.

use crate::{
    analysis::{predict, tally::Tally},
    attribution::Attribution,
};

/// Returns the index of the component most accurate on `table`. Ties go to the lowest cross-entropy, then to the first.
///
/// With a couple of dozen labels, ties are common; the cross-entropy of the component's own contributions prefers
/// confident components over lucky ones.
pub fn best_component(table: &Attribution) -> usize {
    ranking(table).first().copied().unwrap_or_default()
}

/// Returns the index of the component least accurate on `table`; ties are broken as in [`best_component`], reversed.
pub fn worst_component(table: &Attribution) -> usize {
    ranking(table).last().copied().unwrap_or_default()
}

/// Returns the indices of all components, best first: by accuracy, then cross-entropy, then index.
pub(super) fn ranking(table: &Attribution) -> Vec<usize> {
    let accuracy = Tally::from_table(table).accuracies();
    let loss: Vec<f64> = (0..accuracy.len())
        .map(|index| predict::cross_entropy(table.contribution(index), table.gold(), table.labels()))
        .collect();
    let mut order: Vec<usize> = (0..accuracy.len()).collect();
    order.sort_by(|&a, &b| accuracy[b].total_cmp(&accuracy[a]).then(loss[a].total_cmp(&loss[b])).then(a.cmp(&b)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{attribution::Batch, component::Shape};

    #[test]
    fn accuracy_first_then_confidence() {
        let mut table = Attribution::new(Shape { layers: 1, heads: 2, labels: 2 }, vec![0, 1]);
        let components = vec![0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 3.0, 0.0, 0.0, 3.0];
        table.push(&Batch { examples: 2, components, rest: vec![0.0; 4], full: vec![0.0; 4], norms: Vec::new() });
        assert_eq!((best_component(&table), worst_component(&table)), (2, 0));
    }
}
