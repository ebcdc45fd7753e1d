//! Accuracy of the best component on examples that did not choose it, which removes the luck of selection.

use serde::{Deserialize, Serialize};

use crate::{
    analysis::{predict::argbest, tally::Tally},
    attribution::Attribution,
    component::Component,
};

/// The best component of a split, with its in-sample and held-out accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOutBest {
    /// The component most accurate on the whole split.
    #[serde(rename = "name")]
    pub component: Component,
    /// Held-out accuracy: the best component is chosen on one half and scored on the other, both ways, averaged.
    pub accuracy: f64,
    /// Accuracy of `component` on the whole split, which also chose it.
    pub in_sample: f64,
    /// The components chosen by the two halves.
    pub chosen: [Component; 2],
}

/// Splits the examples into two disjoint halves, alternating within each gold label, so that both halves have the same
/// labels.
pub fn halves(table: &Attribution) -> [Attribution; 2] {
    let half = alternate(table.gold(), table.labels());
    [false, true].map(|side| table.filter(|row| half[row] == side))
}

/// Returns the best component of `table`, chosen and scored on its [`halves`]; `None` with fewer than two examples or
/// no component. Ties go to the first.
pub fn held_out_best(table: &Attribution) -> Option<HeldOutBest> {
    let accuracies = halves(table).map(|half| Tally::from_table(&half).accuracies());
    let best = accuracies.each_ref().map(|half| argbest(half));
    let all = Tally::from_table(table).accuracies();
    let overall = argbest(&all)?;
    let [first, second] = [best[0]?, best[1]?];
    (table.len() >= 2).then(|| HeldOutBest {
        component: table.shape().component(overall),
        accuracy: f64::midpoint(accuracies[1][first], accuracies[0][second]),
        in_sample: all[overall],
        chosen: [first, second].map(|index| table.shape().component(index)),
    })
}

/// Returns whether each example belongs to the second half, `[N]`.
fn alternate(gold: &[usize], labels: usize) -> Vec<bool> {
    let mut seen = vec![0; labels];
    let side = |&label: &usize| {
        seen[label] += 1;
        (seen[label] + label).is_multiple_of(2)
    };
    gold.iter().map(side).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::testing::{noise, table},
        component::Shape,
    };

    #[test]
    fn held_out_accuracy_removes_luck_and_keeps_skill() {
        let shape = Shape { layers: 10, heads: 19, labels: 2 };
        let lucky = held_out_best(&table(shape, 100, 1, |_| 0.0)).unwrap();
        assert!(lucky.in_sample > 0.6 && (lucky.accuracy - 0.5).abs() < 0.1, "{lucky:?}");
        let skilled = held_out_best(&table(shape, 100, 1, |i| if i == 33 { 3.0 } else { 0.0 })).unwrap();
        assert_eq!(skilled.component, shape.component(33));
        assert!((skilled.in_sample - skilled.accuracy).abs() < 0.02);
    }

    #[test]
    fn halves_divide_every_label_evenly() {
        let table = noise(41, 4, 3);
        let half = alternate(table.gold(), 4);
        for label in 0..4 {
            let [first, second] = [false, true]
                .map(|side| (0..41).filter(|&row| half[row] == side && table.gold()[row] == label).count());
            assert!(first.abs_diff(second) <= 1);
        }
    }

    #[test]
    fn too_few_examples_give_no_held_out_best() {
        assert_eq!(held_out_best(&noise(0, 2, 1)), None);
        assert_eq!(held_out_best(&noise(1, 2, 1)), None);
    }
}
