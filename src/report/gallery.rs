//! Which figures a report has, and what they are called.

use super::{
    figures::{Figure, HeatMap, accuracies, agreement, heat_map, path, scatter},
    pairs::{Pair, matrix},
    run_report::RunReport,
    style::{kind_name, percent},
};
use crate::analysis::{Kind, baseline::Outcome};

/// All figures of a report.
pub(super) fn figures(digests: &[RunReport<'_>], pairs: &[Pair<'_>]) -> Vec<Figure> {
    let mut figures: Vec<Figure> = digests.iter().flat_map(of_run).collect();
    figures.extend(pairs.iter().flat_map(of_pair));
    if digests.len() > 1 {
        figures.push(of_agreement(digests));
    }
    figures.extend(of_methods(digests));
    figures
}

fn of_run(digest: &RunReport<'_>) -> Vec<Figure> {
    let (shape, name) = (digest.run.test.shape(), &digest.name);
    let chance = digest.run.meta.accuracy.chance;
    let values: Vec<f64> = digest.components.iter().map(|stats| stats.accuracy).collect();
    let kinds: Vec<Kind> = digest.components.iter().map(|stats| stats.kind).collect();
    let tip = |stats: &crate::analysis::ComponentStats| {
        let (low, high) = (percent(stats.ci.0), percent(stats.ci.1));
        format!("{}: {} % ({low}–{high}), {}", stats.component, percent(stats.accuracy), kind_name(stats.kind))
    };
    let tips: Vec<String> = digest.components.iter().map(tip).collect();
    let map = HeatMap {
        title: &format!("{name}: accuracy of every component alone"),
        unit: "accuracy",
        values: &values,
        shape,
        scale: (0.0, chance, 1.0),
        tips: &tips,
        kinds: &kinds,
    };
    let mut figures = vec![Figure {
        name: format!("accuracy-{}", digest.slug),
        caption: format!("Test accuracy of every component of {name} as a classifier of its own; neutral is chance."),
        svg: heat_map(&map),
    }];
    if let Ok(bought) = &digest.bought {
        let weights = &bought.fit.mix.weights;
        let reach = weights.iter().map(|weight| (weight - 1.0).abs()).fold(0.1, f64::max);
        let map = HeatMap {
            title: &format!("{name}: fitted weights"),
            unit: "weight",
            values: weights,
            shape,
            scale: (1.0 - reach, 1.0, 1.0 + reach),
            tips: &[],
            kinds: &[],
        };
        figures.push(Figure {
            name: format!("weights-{}", digest.slug),
            caption: format!(
                "The mix fitted on the {} training labels of {name}; neutral is the model itself.",
                digest.run.train.len()
            ),
            svg: heat_map(&map),
        });
        figures.push(Figure {
            name: format!("path-{}", digest.slug),
            caption: format!("Weights and accuracies of {name} as the penalty of the fit weakens; the eight that move most are named."),
            svg: path(&format!("{name}: the fit along its penalty"), bought, shape),
        });
    }
    figures
}

fn of_pair(pair: &Pair<'_>) -> Vec<Figure> {
    let (a, b) = (pair.a, pair.b);
    let r = pair.comparison.agreement.pearson.map_or_else(|| "–".to_owned(), |r| format!("{r:.2}"));
    let differences: Vec<f64> = a.components.iter().zip(&b.components).map(|(a, b)| b.accuracy - a.accuracy).collect();
    let reach = differences.iter().map(|difference| difference.abs()).fold(0.05, f64::max);
    let map = HeatMap {
        title: &format!("{} minus {}: accuracy", b.name, a.name),
        unit: "difference",
        values: &differences,
        shape: a.run.test.shape(),
        scale: (-reach, 0.0, reach),
        tips: &[],
        kinds: &[],
    };
    let chance = a.run.meta.accuracy.chance;
    vec![
        Figure {
            name: format!("scatter-{}-{}", a.slug, b.slug),
            caption: format!("Accuracy of every component in {} and in {}; Pearson's r = {r}.", a.name, b.name),
            svg: scatter(&format!("r = {r}"), [&a.name, &b.name], [&a.components, &b.components], chance),
        },
        Figure {
            name: format!("difference-{}-{}", a.slug, b.slug),
            caption: format!("How much more accurate every component is in {} than in {}.", b.name, a.name),
            svg: heat_map(&map),
        },
    ]
}

fn of_agreement(digests: &[RunReport<'_>]) -> Figure {
    let names: Vec<String> = digests.iter().map(|digest| digest.name.clone()).collect();
    let values: Vec<Vec<Option<f64>>> =
        matrix(digests).iter().map(|row| row.iter().map(|cell| cell.and_then(|cell| cell.pearson)).collect()).collect();
    Figure {
        name: "agreement".to_owned(),
        caption: "Pearson's r of component accuracies, every run with every other; a dash where models differ."
            .to_owned(),
        svg: agreement("Agreement of component accuracies (Pearson's r)", &names, &values),
    }
}

fn of_methods(digests: &[RunReport<'_>]) -> Option<Figure> {
    let runs: Vec<(&str, &[Outcome])> = digests
        .iter()
        .filter_map(|digest| Some((digest.name.as_str(), digest.bought.as_ref().ok()?.outcomes.as_slice())))
        .collect();
    let count = digests.len() as f64;
    let chance = digests.iter().map(|digest| digest.run.meta.accuracy.chance).sum::<f64>() / count;
    let (title, caption) = match runs.as_slice() {
        [] => return None,
        [(name, _)] => (format!("{name}: what the labels buy"), "bars are 95 % Wilson intervals over examples"),
        runs => (format!("What the labels buy, mean of {} runs", runs.len()), "small dots are single runs"),
    };
    Some(Figure {
        name: "methods".to_owned(),
        caption: format!(
            "Test accuracy by method; {caption}. A star marks a transductive method, grey an oracle that saw test labels."
        ),
        svg: accuracies(&title, &runs, chance),
    })
}
