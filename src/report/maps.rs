//! The heat maps of a report, which commands also print one at a time.

use super::{
    figures::{HeatMap, heat_map},
    style::{kind_name, percent},
};
use crate::{
    analysis::{ComponentStats, Kind},
    component::Shape,
    run::Run,
};

/// Draws the accuracy of every component of `run` alone, from its statistics `components` on the test split, in the
/// order of the shape. The neutral colour is chance.
pub fn accuracy_map(name: &str, run: &Run, components: &[ComponentStats]) -> String {
    let values: Vec<f64> = components.iter().map(|stats| stats.accuracy).collect();
    let kinds: Vec<Kind> = components.iter().map(|stats| stats.kind).collect();
    let tip = |stats: &ComponentStats| {
        let (low, high) = (percent(stats.ci.0), percent(stats.ci.1));
        format!("{}: {} % ({low}–{high}), {}", stats.component, percent(stats.accuracy), kind_name(stats.kind))
    };
    let tips: Vec<String> = components.iter().map(tip).collect();
    heat_map(&HeatMap {
        title: &format!("{name}: accuracy of every component alone"),
        unit: "accuracy",
        values: &values,
        shape: run.test.shape(),
        scale: (0.0, run.meta.accuracy.chance, 1.0),
        tips: &tips,
        kinds: &kinds,
    })
}

/// Draws fitted weights, one per component in the order of `shape`. The neutral colour is 1, the model itself.
pub fn weights_map(name: &str, weights: &[f64], shape: Shape) -> String {
    let extent = weights.iter().map(|weight| (weight - 1.0).abs()).fold(0.1, f64::max);
    let title = format!("{name}: fitted weights");
    plain(&title, "weight", weights, shape, (1.0 - extent, 1.0, 1.0 + extent))
}

/// Draws the accuracies of components in the run called `names[1]` minus those in `names[0]`, in the order of `shape`.
pub fn difference_map(names: [&str; 2], differences: &[f64], shape: Shape) -> String {
    let extent = differences.iter().map(|difference| difference.abs()).fold(0.05, f64::max);
    let title = format!("{} minus {}: accuracy", names[1], names[0]);
    plain(&title, "difference", differences, shape, (-extent, 0.0, extent))
}

fn plain(title: &str, unit: &str, values: &[f64], shape: Shape, scale: (f64, f64, f64)) -> String {
    heat_map(&HeatMap { title, unit, values, shape, scale, tips: &[], kinds: &[] })
}
