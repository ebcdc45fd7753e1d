//! Examples whose prediction differs between two runs, and the components that moved them.

use serde::Serialize;

use crate::{
    analysis::predict::{component_margins, difference, predictions},
    attribution::Attribution,
    component::Component,
};

/// A test example that two runs have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Its id in the task's data.
    pub id: String,
    /// Its row in the first run's test table.
    pub a: usize,
    /// Its row in the second's.
    pub b: usize,
}

/// An example that the model labels differently in two runs.
///
/// The deltas are changes of one margin from the first run to the second: the logit of `of` minus that of `over`. When
/// one of the two predictions is right, `of` is the gold label and `over` the wrong prediction, so negative deltas
/// explain the loss of the example; when both are wrong, `of` is the second prediction and `over` the first. The deltas of all components and
/// of `rest` add up to `margin[1] − margin[0]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flip {
    /// Its id in the task's data.
    pub id: String,
    /// Gold label.
    pub gold: usize,
    /// The model's prediction in the first run.
    pub a: usize,
    /// The model's prediction in the second run.
    pub b: usize,
    /// Label that the margin favours.
    pub of: usize,
    /// Label that it is measured against.
    pub over: usize,
    /// The margin in each run, in logits.
    pub margin: [f64; 2],
    /// Delta of `rest`.
    pub rest: f64,
    /// Deltas of components, largest size first.
    pub components: Vec<Moved>,
}

/// Delta of one component.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// The component.
    #[serde(rename = "name")]
    pub component: Component,
    /// Change of its contribution to the margin, in logits.
    pub delta: f64,
}

/// The shared examples that flipped, each with its `top` components.
pub fn flips(a: &Attribution, b: &Attribution, shared: &[Shared], top: usize) -> Vec<Flip> {
    let labels = a.labels();
    let (predicted_a, predicted_b) = (predictions(a.full(), labels), predictions(b.full(), labels));
    let flipped = shared.iter().filter(|example| predicted_a[example.a] != predicted_b[example.b]);
    flipped.map(|example| flip(a, b, example, [predicted_a[example.a], predicted_b[example.b]], top)).collect()
}

fn flip(a: &Attribution, b: &Attribution, example: &Shared, predicted: [usize; 2], top: usize) -> Flip {
    let gold = a.gold()[example.a];
    let (of, over) = match predicted {
        [first, second] if first == gold => (gold, second),
        [first, second] => (second, first),
    };
    let margin = |values: &[f32], row: usize| difference(values, a.labels(), row, of, over);
    let (rest_a, rest_b) = (a.rest_addends(), b.rest_addends());
    let (before, after) = (component_margins(a, example.a, of, over), component_margins(b, example.b, of, over));
    let deltas = a.shape().iter().zip(before.iter().zip(&after));
    let mut components: Vec<Moved> =
        deltas.map(|(component, (before, after))| Moved { component, delta: after - before }).collect();
    components.sort_by(|x, y| y.delta.abs().total_cmp(&x.delta.abs()));
    components.truncate(top);
    Flip {
        id: example.id.clone(),
        gold,
        a: predicted[0],
        b: predicted[1],
        of,
        over,
        margin: [margin(a.full(), example.a), margin(b.full(), example.b)],
        rest: margin(&rest_b, example.b) - margin(&rest_a, example.a),
        components,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analysis::testing::table, component::Shape};

    #[test]
    fn deltas_add_up_to_the_change_of_the_margin_and_come_largest_first() {
        let shape = Shape { layers: 3, heads: 4, labels: 3 };
        let (a, b) = (table(shape, 60, 1, |_| 0.3), table(shape, 60, 1, |_| 0.0));
        let shared: Vec<Shared> = (0..60).map(|row| Shared { id: row.to_string(), a: row, b: row }).collect();
        let flips = flips(&a, &b, &shared, usize::MAX);
        assert!(!flips.is_empty());
        for flip in flips {
            let total: f64 = flip.components.iter().map(|moved| moved.delta).sum::<f64>() + flip.rest;
            assert!((total - (flip.margin[1] - flip.margin[0])).abs() < 1e-4);
            assert!(flip.components.is_sorted_by(|x, y| x.delta.abs() >= y.delta.abs()));
            assert_ne!(flip.a, flip.b);
            if flip.a == flip.gold {
                assert!(flip.margin[0] >= 0.0 && flip.margin[1] <= 0.0, "it was lost");
            } else {
                assert!(flip.margin[0] <= 0.0 && flip.margin[1] >= 0.0, "its new label won");
            }
        }
    }
}
