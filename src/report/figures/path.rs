//! Regularization path: weights and accuracies of a fit as its penalty weakens.

use crate::{
    component::Shape,
    report::{
        axis::Axis,
        run_report::FitResults,
        style::{BLUE, DIM, FAINT, INK, ORANGE, SERIES},
        svg::{Anchor, Canvas},
    },
};

/// Number of components that get a colour and a label.
const NAMED: usize = 8;
const X_SPAN: (f64, f64) = (70.0, 560.0);
const WEIGHTS: (f64, f64) = (300.0, 44.0);
const ACCURACY: (f64, f64) = (480.0, 336.0);

/// Draws weights above accuracies, with the strongest penalty on the left and a line at the chosen strength.
pub(in crate::report) fn path(title: &str, fits: &FitResults, shape: Shape) -> String {
    let mut canvas = Canvas::new(X_SPAN.1 + 110.0, ACCURACY.0 + 60.0);
    canvas.bold((X_SPAN.0, 24.0), 14.0, INK, Anchor::Start, title);
    let strength = |lambda: f64| -lambda.max(f64::MIN_POSITIVE).log10();
    let steps = &fits.path;
    let ends = (strength(steps[0].fit.lambda), strength(steps[steps.len() - 1].fit.lambda));
    let x = Axis { values: ends, pixels: X_SPAN };
    let chosen = x.at(strength(fits.fit.lambda)).clamp(X_SPAN.0, X_SPAN.1);
    weights(&mut canvas, fits, shape, &x, &strength);
    accuracies(&mut canvas, fits, &x, &strength);
    canvas.line((chosen, WEIGHTS.1), (chosen, ACCURACY.0), DIM, 1.0);
    canvas.text((chosen + 4.0, ACCURACY.1 - 8.0), 11.0, DIM, Anchor::Start, "chosen");
    canvas.finish()
}

fn weights(canvas: &mut Canvas, fits: &FitResults, shape: Shape, x: &Axis, strength: &impl Fn(f64) -> f64) {
    let steps = &fits.path;
    let last = &steps[steps.len() - 1].fit.mix.weights;
    let y = Axis::around(steps.iter().flat_map(|step| step.fit.mix.weights.iter().copied()), WEIGHTS);
    y.left(canvas, X_SPAN, "weight", |value| format!("{value:.1}"));
    let line = |index: usize| -> Vec<(f64, f64)> {
        let place = |step: &crate::report::run_report::Step| {
            (x.at(strength(step.fit.lambda)), y.at(step.fit.mix.weights[index]))
        };
        steps.iter().map(place).collect()
    };
    let mut order: Vec<usize> = (0..shape.components()).collect();
    order.sort_by(|&a, &b| (last[b] - 1.0).abs().total_cmp(&(last[a] - 1.0).abs()));
    let named = order.len().min(NAMED);
    for &index in &order[named..] {
        canvas.polyline(&line(index), FAINT, 1.0);
    }
    let mut ends = Vec::new();
    for (&index, color) in order[..named].iter().zip(SERIES) {
        canvas.polyline(&line(index), color, 2.0);
        ends.push((y.at(last[index]), shape.component(index).to_string(), color));
    }
    name_ends(canvas, ends);
}

/// Labels lines at their ends, in their colours, and shifts labels that would overlap.
fn name_ends(canvas: &mut Canvas, mut ends: Vec<(f64, String, &str)>) {
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = f64::NEG_INFINITY;
    for (at, name, color) in ends {
        let at = at.max(free);
        free = at + 13.0;
        canvas.text((X_SPAN.1 + 8.0, at + 4.0), 11.0, color, Anchor::Start, &name);
    }
}

fn accuracies(canvas: &mut Canvas, fits: &FitResults, x: &Axis, strength: &impl Fn(f64) -> f64) {
    let steps = &fits.path;
    let y = Axis::around(steps.iter().flat_map(|step| [step.train, step.test]), ACCURACY);
    y.left(canvas, X_SPAN, "accuracy (%)", |value| format!("{:.0}", 100.0 * value));
    x.below(canvas, (ACCURACY.0, ACCURACY.0), "penalty λ, weaker to the right", |value| {
        format!("{:.0e}", 10_f64.powf(-value))
    });
    let mut ends = Vec::new();
    for (name, color, of) in [
        ("training", ORANGE, (|step| step.train) as fn(&crate::report::run_report::Step) -> f64),
        ("test", BLUE, |step| step.test),
    ] {
        let points: Vec<(f64, f64)> =
            steps.iter().map(|step| (x.at(strength(step.fit.lambda)), y.at(of(step)))).collect();
        canvas.polyline(&points, color, 2.0);
        ends.push((points[points.len() - 1].1, name.to_owned(), color));
    }
    name_ends(canvas, ends);
}
