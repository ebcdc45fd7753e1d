//! The list of figures in a report, with names and captions.

use super::{
    figures::{Figure, accuracies, agreement, learning_curve, lens, path, scatter},
    maps::{accuracy_map, difference_map, weights_map},
    pairs::{Pair, matrix},
    run_report::RunReport,
};
use crate::analysis::baseline::Outcome;

/// Draws all figures of a report.
pub(super) fn figures(reports: &[RunReport<'_>], pairs: &[Pair<'_>]) -> Vec<Figure> {
    let mut figures: Vec<Figure> = reports.iter().flat_map(run_figures).collect();
    figures.extend(pairs.iter().flat_map(pair_figures));
    if reports.len() > 1 {
        figures.push(agreement_figure(reports));
    }
    figures.extend(methods_figure(reports));
    figures
}

fn run_figures(report: &RunReport<'_>) -> Vec<Figure> {
    let (shape, name) = (report.run.test.shape(), &report.name);
    let mut figures = vec![Figure {
        name: format!("accuracy-{}", report.slug),
        caption: format!(
            "Test accuracy of every component of {name} as a classifier on its own; the neutral colour is chance."
        ),
        svg: accuracy_map(name, report.run, &report.components),
    }];
    if let Ok(fits) = &report.fits {
        figures.push(Figure {
            name: format!("weights-{}", report.slug),
            caption: format!(
                "The mix fitted on the {} training labels of {name}; the neutral colour is the model itself.",
                report.run.train.len()
            ),
            svg: weights_map(name, &fits.fit.mix.weights, shape),
        });
        figures.push(Figure {
            name: format!("path-{}", report.slug),
            caption: format!("Weights and accuracies of {name} as the penalty of the fit weakens; the eight weights that change most are labelled."),
            svg: path(&format!("{name}: fit by penalty strength"), fits, shape),
        });
        figures.push(Figure {
            name: format!("labels-{}", report.slug),
            caption: format!(
                "Learning curve of {name}: test accuracy when only some of the training labels are used, mean and range \
                 of four balanced draws; the demonstrations stay."
            ),
            svg: learning_curve(&format!("{name}: fewer labels"), &fits.curve, report.run.meta.accuracy.full),
        });
    }
    if let Some(curve) = &report.lens {
        figures.push(Figure {
            name: format!("lens-{}", report.slug),
            caption: format!(
                "The lens by layer of {name} on {} test examples: label words read from the residual stream after each \
                 attention and MLP, through the final norm with the stream's own scale or the realised one of the last \
                 stream; 95% intervals.",
                curve.examples
            ),
            svg: lens(&format!("{name}: the lens by layer"), curve),
        });
    }
    figures
}

fn pair_figures(pair: &Pair<'_>) -> Vec<Figure> {
    let (a, b) = (pair.a, pair.b);
    let r = pair.comparison.agreement.pearson.map_or_else(|| "–".to_owned(), |r| format!("{r:.2}"));
    let differences: Vec<f64> = a.components.iter().zip(&b.components).map(|(a, b)| b.accuracy - a.accuracy).collect();
    let chance = a.run.meta.accuracy.chance;
    vec![
        Figure {
            name: format!("scatter-{}-{}", a.slug, b.slug),
            caption: format!("Accuracy of every component in {} and in {}; Pearson's r = {r}.", a.name, b.name),
            svg: scatter(&format!("r = {r}"), [&a.name, &b.name], [&a.components, &b.components], chance),
        },
        Figure {
            name: format!("difference-{}-{}", a.slug, b.slug),
            caption: format!("Accuracy of every component in {} minus that in {}.", b.name, a.name),
            svg: difference_map([&a.name, &b.name], &differences, a.run.test.shape()),
        },
    ]
}

fn agreement_figure(reports: &[RunReport<'_>]) -> Figure {
    let names: Vec<String> = reports.iter().map(|report| report.name.clone()).collect();
    let values: Vec<Vec<Option<f64>>> =
        matrix(reports).iter().map(|row| row.iter().map(|cell| cell.and_then(|cell| cell.pearson)).collect()).collect();
    Figure {
        name: "agreement".to_owned(),
        caption: "Pearson's r of component accuracies for every pair of runs; a dash where models differ.".to_owned(),
        svg: agreement("Agreement of component accuracies (Pearson's r)", &names, &values),
    }
}

fn methods_figure(reports: &[RunReport<'_>]) -> Option<Figure> {
    let runs: Vec<(&str, &[Outcome])> = reports
        .iter()
        .filter_map(|report| Some((report.name.as_str(), report.fits.as_ref().ok()?.outcomes.as_slice())))
        .collect();
    let count = reports.len() as f64;
    let chance = reports.iter().map(|report| report.run.meta.accuracy.chance).sum::<f64>() / count;
    let (title, caption) = match runs.as_slice() {
        [] => return None,
        [(name, _)] => (format!("{name}: accuracy by method"), "bars are 95 % Wilson intervals over examples"),
        runs => (format!("Accuracy by method, mean of {} runs", runs.len()), "small dots are single runs"),
    };
    Some(Figure {
        name: "methods".to_owned(),
        caption: format!(
            "Test accuracy by method; {caption}. A star marks a transductive method; grey marks an oracle, which uses test labels."
        ),
        svg: accuracies(&title, &runs, chance),
    })
}
