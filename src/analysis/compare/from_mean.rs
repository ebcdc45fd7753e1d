//! Many runs, each against the mean of all.

use serde::Serialize;

use crate::{
    analysis::compare::{pearson, spearman},
    component::{Component, Shape},
};

/// A run against the mean of several.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FromMean {
    /// Pearson's r of its component accuracies with the mean of the others; `None` if one side does not vary.
    pub pearson: Option<f64>,
    /// Spearman's ρ with the mean of the others.
    pub spearman: Option<f64>,
    /// The component farthest from the mean of the others, and its accuracy minus that mean.
    pub farthest: Option<(Component, f64)>,
}

/// Every run against the mean of the other runs; empty for fewer than two. A run is the accuracies of its components, in
/// the order of `shape`.
pub fn from_mean(runs: &[Vec<f64>], shape: Shape) -> Vec<FromMean> {
    if runs.len() < 2 {
        return Vec::new();
    }
    let components: Vec<Component> = shape.iter().collect();
    let others = (runs.len() - 1) as f64;
    let sums: Vec<f64> = (0..components.len()).map(|index| runs.iter().map(|run| run[index]).sum()).collect();
    let one = |run: &Vec<f64>| {
        let mean: Vec<f64> = run.iter().zip(&sums).map(|(own, sum)| (sum - own) / others).collect();
        let far = run.iter().zip(&mean).map(|(own, mean)| own - mean).zip(&components);
        let farthest = far.max_by(|(a, _), (b, _)| a.abs().total_cmp(&b.abs()));
        FromMean {
            pearson: pearson(run, &mean),
            spearman: spearman(run, &mean),
            farthest: farthest.map(|(delta, component)| (*component, delta)),
        }
    };
    runs.iter().map(one).collect()
}

/// Mean of every column over `runs`, which have the same length; empty for no run.
pub fn column_means(runs: &[Vec<f64>]) -> Vec<f64> {
    let columns = runs.first().map_or(0, Vec::len);
    (0..columns).map(|column| runs.iter().map(|run| run[column]).sum::<f64>() / runs.len() as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_compared_with_the_mean_of_the_others() {
        let shape = Shape { layers: 1, heads: 2, labels: 2 };
        let runs = [vec![0.5, 0.6, 0.7], vec![0.5, 0.7, 0.9], vec![0.9, 0.5, 0.1]];
        let found = from_mean(&runs, shape);
        assert!((found[2].pearson.unwrap() + 1.0).abs() < 1e-12);
        let (component, delta) = found[2].farthest.unwrap();
        assert_eq!(component.to_string(), "L0.MLP");
        assert!((delta + 0.7).abs() < 1e-12);
        assert!(from_mean(&runs[..1], shape).is_empty());
        let means = column_means(&runs[..2]);
        assert!((means[1] - 0.65).abs() < 1e-12 && (runs[2][2] - means[2] - delta).abs() < 1e-12);
        assert!(column_means(&[]).is_empty());
    }
}
