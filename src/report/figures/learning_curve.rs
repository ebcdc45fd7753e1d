//! Learning curve: accuracy of a few methods by the number of training labels.

use crate::{
    analysis::learning_curve::{CurvePoint, METHODS},
    report::{
        axis::Axis,
        style::{DIM, FAINT, INK, SERIES, percent},
        svg::{Anchor, Canvas},
    },
};

const X_SPAN: (f64, f64) = (70.0, 500.0);
const Y_SPAN: (f64, f64) = (300.0, 44.0);

/// Draws a line per method through its means, with the range over draws; `model` is the accuracy of the model itself.
pub(in crate::report) fn learning_curve(title: &str, points: &[CurvePoint], model: f64) -> String {
    let mut canvas = Canvas::new(X_SPAN.1 + 150.0, Y_SPAN.0 + 60.0);
    canvas.bold((X_SPAN.0, 24.0), 14.0, INK, Anchor::Start, title);
    let y = Axis::around(points.iter().flat_map(|point| [point.range.0, point.range.1]).chain([model]), Y_SPAN);
    y.left(&mut canvas, X_SPAN, "test accuracy (%)", |value| format!("{:.0}", 100.0 * value));
    let sizes = points.iter().map(|point| (point.labels as f64).log2());
    let ends = sizes.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), size| (low.min(size), high.max(size)));
    let x = Axis { values: (ends.0, if ends.1 > ends.0 { ends.1 } else { ends.0 + 1.0 }), pixels: X_SPAN };
    canvas.line((X_SPAN.0, y.at(model)), (X_SPAN.1, y.at(model)), DIM, 1.0);
    let mut named = vec![(y.at(model), "the model".to_owned(), DIM)];
    for (method, color) in METHODS.into_iter().zip(SERIES) {
        let own: Vec<&CurvePoint> = points.iter().filter(|point| point.method == method).collect();
        let at = |point: &CurvePoint| x.at((point.labels as f64).log2());
        for point in &own {
            canvas.line((at(point), y.at(point.range.0)), (at(point), y.at(point.range.1)), color, 1.0);
            let tip = format!("{method}, {} labels: {}", point.labels, percent(point.accuracy));
            canvas.dot((at(point), y.at(point.accuracy)), 3.5, color, 1.0, Some(&tip));
        }
        canvas.polyline(&own.iter().map(|point| (at(point), y.at(point.accuracy))).collect::<Vec<_>>(), color, 2.0);
        named.extend(own.last().map(|last| (y.at(last.accuracy), method.to_string(), color)));
    }
    let mut shown: Vec<usize> = points.iter().map(|point| point.labels).collect();
    shown.sort_unstable();
    shown.dedup();
    canvas.line((X_SPAN.0, Y_SPAN.0), (X_SPAN.1, Y_SPAN.0), FAINT, 1.0);
    for size in shown {
        canvas.text((x.at((size as f64).log2()), Y_SPAN.0 + 18.0), 11.0, DIM, Anchor::Middle, &size.to_string());
    }
    canvas.text((X_SPAN.1, Y_SPAN.0 + 40.0), 11.0, DIM, Anchor::End, "training labels");
    named.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = f64::NEG_INFINITY;
    for (place, name, color) in named {
        let place = place.max(free);
        free = place + 13.0;
        canvas.text((X_SPAN.1 + 8.0, place + 4.0), 11.0, color, Anchor::Start, &name);
    }
    canvas.finish()
}
