//! Agreement of component accuracies between runs.

use serde::Serialize;

use crate::{
    analysis::{
        compare::correlation::{mean, pearson, spearman},
        tally::Tally,
    },
    attribution::Attribution,
    component::Shape,
    random::SeededRng,
};

/// Agreement of two lists of component accuracies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Pearson's r over components; `None` if the accuracies of one side do not vary.
    pub pearson: Option<f64>,
    /// Spearman's ρ over components.
    pub spearman: Option<f64>,
    /// Overlap of the best five: intersection over union, ties broken by name.
    pub iou_top5: f64,
    /// Pearson's r with the runs scored on disjoint halves of their shared examples, mean of both ways, so that shared
    /// examples do not inflate it. `None` if no examples were given.
    pub pearson_disjoint: Option<f64>,
}

/// Agreement of the accuracies of all components, in the order of `shape`.
pub fn agreement(a: &[f64], b: &[f64], shape: Shape) -> Agreement {
    Agreement {
        pearson: pearson(a, b),
        spearman: spearman(a, b),
        iou_top5: iou_of_best(a, b, 5, shape),
        pearson_disjoint: None,
    }
}

/// Agreement of every run with every other, `[R, R]`, symmetric; a run is the accuracies of its components and the shape
/// that orders them.
pub fn agreements(runs: &[(Vec<f64>, Shape)]) -> Vec<Vec<Agreement>> {
    let mut table = vec![vec![Agreement::default(); runs.len()]; runs.len()];
    for (row, (a, shape)) in runs.iter().enumerate() {
        for (column, (b, _)) in runs.iter().enumerate().skip(row) {
            let pair = agreement(a, b, *shape);
            (table[row][column], table[column][row]) = (pair, pair);
        }
    }
    table
}

/// Intersection over union of the `n` most accurate components of either side; 0 if there are none. Equal accuracies are
/// ordered by name, as text.
pub fn iou_of_best(a: &[f64], b: &[f64], n: usize, shape: Shape) -> f64 {
    overlap(&best_components(a, n, shape), &best_components(b, n, shape))
}

/// Returns the `n` components with the highest accuracies, in order; ties go to the name that sorts first.
pub fn best_components(accuracies: &[f64], n: usize, shape: Shape) -> Vec<usize> {
    let names: Vec<String> = shape.iter().map(|component| component.to_string()).collect();
    let mut order: Vec<usize> = (0..accuracies.len()).collect();
    order.sort_by(|&i, &j| accuracies[j].total_cmp(&accuracies[i]).then_with(|| names[i].cmp(&names[j])));
    order.truncate(n);
    order
}

/// Returns the overlap of two sets of components: intersection over union.
pub fn overlap(a: &[usize], b: &[usize]) -> f64 {
    let common = a.iter().filter(|index| b.contains(index)).count();
    common as f64 / (a.len() + b.len() - common).max(1) as f64
}

/// Mean of both ways to score the two tables on different halves of their shared rows; row `i` of one side is the same
/// example as row `i` of the other.
pub(super) fn on_disjoint_halves(a: &Attribution, rows_a: &[usize], b: &Attribution, rows_b: &[usize]) -> Option<f64> {
    let mut order: Vec<usize> = (0..rows_a.len()).collect();
    SeededRng::new(0).shuffle(&mut order);
    let (first, second) = order.split_at(order.len() / 2);
    let accuracies = |table: &Attribution, rows: &[usize], half: &[usize]| {
        let mut kept = vec![false; table.len()];
        for &i in half {
            kept[rows[i]] = true;
        }
        Tally::from_table(&table.filter(|row| kept[row])).accuracies()
    };
    let one = pearson(&accuracies(a, rows_a, first), &accuracies(b, rows_b, second))?;
    let other = pearson(&accuracies(a, rows_a, second), &accuracies(b, rows_b, first))?;
    mean(&[one, other])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { layers: 11, heads: 1, labels: 2 };

    #[test]
    fn ties_of_the_best_are_broken_by_name() {
        let flat = [0.5; 22];
        let mut a = flat;
        a[SHAPE.index("L10.H0".parse().unwrap()).unwrap()] = 0.4;
        // By name the first five are L0.H0, L0.MLP, L1.H0, L1.MLP, L10.H0; without the last it is L10.MLP.
        assert_eq!(iou_of_best(&flat, &flat, 5, SHAPE), 1.0);
        assert_eq!(iou_of_best(&flat, &a, 5, SHAPE), 4.0 / 6.0);
        assert_eq!(iou_of_best(&[], &[], 5, SHAPE), 0.0);
    }
}
