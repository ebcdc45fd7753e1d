//! The lens by layer: accuracy, margin, bias and calibration error of the residual stream after every block.

use crate::report::{
    axis::Axis,
    lens::{LensCurve, LensScores, LensValue},
    style::{BLUE, DIM, INK, ORANGE},
    svg::{Anchor, Canvas},
};

const X_SPAN: (f64, f64) = (70.0, 560.0);
/// Height of a panel, and its distance from the one above.
const PANEL: (f64, f64) = (110.0, 34.0);
/// Space above the first panel.
const TOP: f64 = 48.0;

/// A panel: its name, and its value in scores.
type Panel = (&'static str, fn(&LensScores) -> Option<LensValue>);

const PANELS: [Panel; 4] = [
    ("accuracy", |scores| Some(scores.accuracy)),
    ("margin (nats)", |scores| Some(scores.margin)),
    ("label bias", |scores| Some(scores.bias)),
    ("calibration error", |scores| scores.ece),
];

/// Draws one panel under the other with the layers from left to right, the norm's own scale in blue above the realised one
/// in orange, each with its intervals.
pub(in crate::report) fn lens(title: &str, curve: &LensCurve) -> String {
    let bottom = TOP + PANELS.len() as f64 * (PANEL.0 + PANEL.1);
    let mut canvas = Canvas::new(X_SPAN.1 + 110.0, bottom + 30.0);
    canvas.bold((X_SPAN.0, 24.0), 14.0, INK, Anchor::Start, title);
    let x = Axis { values: (0.0, (curve.lens.len().max(2) - 1) as f64), pixels: X_SPAN };
    for (index, panel) in PANELS.iter().enumerate() {
        let top = TOP + index as f64 * (PANEL.0 + PANEL.1);
        draw(&mut canvas, curve, panel, &x, (top + PANEL.0, top));
    }
    let end = bottom - PANEL.1;
    let every = curve.lens.len().div_ceil(40).max(1) * 2;
    for layer in (0..curve.lens.len()).step_by(every) {
        canvas.text((x.at(layer as f64), end + 16.0), 11.0, DIM, Anchor::Middle, &(layer / 2).to_string());
    }
    let middle = f64::midpoint(X_SPAN.0, X_SPAN.1);
    canvas.text((middle, end + 34.0), 12.0, DIM, Anchor::Middle, "layer: after its attention, then after its MLP");
    for (color, name, y) in [(BLUE, "own scale", 0.0), (ORANGE, "realised scale", 15.0)] {
        canvas.text((X_SPAN.1 + 8.0, TOP + y), 11.0, color, Anchor::Start, name);
    }
    canvas.finish()
}

fn draw(canvas: &mut Canvas, curve: &LensCurve, (name, value): &Panel, x: &Axis, span: (f64, f64)) {
    let values = |of: fn(&crate::report::lens::LensPoint) -> &LensScores| -> Vec<(usize, LensValue)> {
        curve.lens.iter().enumerate().filter_map(|(at, point)| Some((at, value(of(point))?))).collect()
    };
    let series = [(ORANGE, values(|point| &point.realised)), (BLUE, values(|point| &point.own))];
    let all = series.iter().flat_map(|(_, values)| values.iter().flat_map(|(_, v)| [v.value, v.ci.0, v.ci.1]));
    let y = Axis::around(all, span);
    y.left(canvas, X_SPAN, name, |value| format!("{value:.2}"));
    if *name == "accuracy" {
        canvas.line((X_SPAN.0, y.at(curve.chance)), (X_SPAN.1, y.at(curve.chance)), DIM, 1.0);
        canvas.text((X_SPAN.1 + 8.0, y.at(curve.chance) + 4.0), 11.0, DIM, Anchor::Start, "chance");
    }
    for (color, values) in &series {
        for &(at, LensValue { value, ci }) in values {
            let at = x.at(at as f64);
            canvas.line((at, y.at(ci.0)), (at, y.at(ci.1)), color, 1.0);
            let tip = format!("{value:.3} ({:.3}, {:.3})", ci.0, ci.1);
            canvas.dot((at, y.at(value)), 2.5, color, 1.0, Some(&tip));
        }
        let line: Vec<(f64, f64)> = values.iter().map(|(at, v)| (x.at(*at as f64), y.at(v.value))).collect();
        canvas.polyline(&line, color, 2.0);
    }
}
