//! The best of many components is lucky: how good is it on examples that did not choose it?

use serde::Serialize;

use crate::{
    analysis::{predict::argbest, tally::Tally},
    attribution::Attribution,
    component::Component,
};

/// The best component of a split, with and without the luck of having been chosen there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeldOutBest {
    /// Most accurate on the whole split.
    #[serde(rename = "name")]
    pub component: Component,
    /// Mean accuracy of a best component where it was not chosen: chosen on one half and scored on the other, both ways.
    pub accuracy: f64,
    /// Accuracy of `component` on the split that chose it.
    pub in_sample: f64,
    /// The two that the halves chose.
    pub chosen: [Component; 2],
}

/// Two disjoint halves of the examples, alternating within each gold label, so that both have the same labels.
pub fn halves(table: &Attribution) -> [Attribution; 2] {
    let half = alternate(table.gold(), table.labels());
    [false, true].map(|side| table.filter(|row| half[row] == side))
}

/// The held-out best component of `table`, chosen and scored on its [`halves`], or `None` with fewer than two examples
/// or no component. Of equals the first wins.
pub fn held_out_best(table: &Attribution) -> Option<HeldOutBest> {
    let accuracies = halves(table).map(|half| Tally::of(&half).accuracies());
    let best = accuracies.each_ref().map(|half| argbest(half));
    let all = Tally::of(table).accuracies();
    let overall = argbest(&all)?;
    let [first, second] = [best[0]?, best[1]?];
    (table.len() >= 2).then(|| HeldOutBest {
        component: table.shape().component(overall),
        accuracy: f64::midpoint(accuracies[1][first], accuracies[0][second]),
        in_sample: all[overall],
        chosen: [first, second].map(|index| table.shape().component(index)),
    })
}

/// Whether each example belongs to the second half.
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
    fn luck_goes_and_skill_stays() {
        let shape = Shape { layers: 10, heads: 19, labels: 2 };
        let lucky = held_out_best(&table(shape, 100, 1, |_| 0.0)).unwrap();
        assert!(lucky.in_sample > 0.6 && (lucky.accuracy - 0.5).abs() < 0.1, "{lucky:?}");
        let skilled = held_out_best(&table(shape, 100, 1, |i| if i == 33 { 3.0 } else { 0.0 })).unwrap();
        assert_eq!(skilled.component, shape.component(33));
        assert!((skilled.in_sample - skilled.accuracy).abs() < 0.02);
    }

    #[test]
    fn halves_share_every_label_alike() {
        let table = noise(41, 4, 3);
        let half = alternate(table.gold(), 4);
        for label in 0..4 {
            let [first, second] = [false, true]
                .map(|side| (0..41).filter(|&row| half[row] == side && table.gold()[row] == label).count());
            assert!(first.abs_diff(second) <= 1);
        }
    }

    #[test]
    fn too_few_examples_hold_nothing_out() {
        assert_eq!(held_out_best(&noise(0, 2, 1)), None);
        assert_eq!(held_out_best(&noise(1, 2, 1)), None);
    }
}
