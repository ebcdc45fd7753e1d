//! One component instead of the model.

use crate::{
    analysis::{predict, tally::Tally},
    attribution::Attribution,
};

/// Index of the component most accurate on `table`; of equals the one with the least cross-entropy, then the first.
///
/// A couple of dozen labels tie often; the cross-entropy of the component's own contributions tells the confident from
/// the lucky.
pub fn best_component(table: &Attribution) -> usize {
    ranking(table).first().copied().unwrap_or_default()
}

/// Index of the component least accurate on `table`, ties as in [`best_component`].
pub fn worst_component(table: &Attribution) -> usize {
    ranking(table).last().copied().unwrap_or_default()
}

/// All components, best first: by accuracy, then by cross-entropy, then by place.
pub(super) fn ranking(table: &Attribution) -> Vec<usize> {
    let accuracy = Tally::of(table).accuracies();
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
        table.push(&Batch { examples: 2, components, rest: vec![0.0; 4], full: vec![0.0; 4] });
        assert_eq!((best_component(&table), worst_component(&table)), (2, 0));
    }
}
