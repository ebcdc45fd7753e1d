//! Accuracy of every method, with intervals.

use crate::{
    analysis::{Method, baseline::Outcome},
    report::{
        axis::Axis,
        style::{BLUE, DIM, FAINT, INK, percent},
        svg::{Anchor, Canvas},
    },
};

const X_SPAN: (f64, f64) = (190.0, 620.0);
const ROW: f64 = 26.0;
/// Explanation of the star behind a method.
const STAR: &str = "* uses all test inputs at once; grey: uses test labels";

/// Draws one row per method: the mean over runs as a large dot, each run as a small one, and the interval if there is
/// only one run. Oracles, which use test labels, are at the bottom in grey.
pub(in crate::report) fn accuracies(title: &str, runs: &[(&str, &[Outcome])], chance: f64) -> String {
    let methods: Vec<Method> =
        Method::ALL.iter().copied().filter(|method| runs.iter().any(|(_, run)| find(run, *method).is_some())).collect();
    let bottom = 44.0 + ROW * methods.len() as f64;
    let starred = methods.iter().any(|method| method.is_transductive());
    let mut canvas = Canvas::new(X_SPAN.1 + 70.0, bottom + if starred { 74.0 } else { 56.0 });
    if starred {
        canvas.text((16.0, bottom + 60.0), 10.0, DIM, Anchor::Start, STAR);
    }
    canvas.bold((16.0, 24.0), 14.0, INK, Anchor::Start, title);
    let all = runs.iter().flat_map(|(_, run)| run.iter().flat_map(|outcome| [outcome.ci.0, outcome.ci.1]));
    let x = Axis::around(all.chain([chance]), X_SPAN);
    x.below(&mut canvas, (44.0, bottom), "accuracy on the test split (%)", |value| format!("{:.0}", 100.0 * value));
    canvas.line((x.at(chance), 44.0), (x.at(chance), bottom), DIM, 1.0);
    canvas.text((x.at(chance), 40.0), 10.0, DIM, Anchor::Middle, "chance");
    for (row, method) in methods.into_iter().enumerate() {
        let y = 44.0 + ROW * (row as f64 + 0.5);
        let outcomes: Vec<(&str, &Outcome)> =
            runs.iter().filter_map(|(name, run)| Some((*name, find(run, method)?))).collect();
        draw_row(&mut canvas, &x, y, method, &outcomes);
    }
    canvas.finish()
}

fn find(run: &[Outcome], method: Method) -> Option<&Outcome> {
    run.iter().find(|outcome| outcome.method == method)
}

fn draw_row(canvas: &mut Canvas, x: &Axis, y: f64, method: Method, outcomes: &[(&str, &Outcome)]) {
    let color = if method.is_oracle() { DIM } else { BLUE };
    let name = if method.is_transductive() { format!("{method} *") } else { method.to_string() };
    canvas.text((X_SPAN.0 - 10.0, y + 4.0), 12.0, if method.is_oracle() { DIM } else { INK }, Anchor::End, &name);
    canvas.line((X_SPAN.0, y), (X_SPAN.1, y), FAINT, 1.0);
    if let [(_, only)] = outcomes {
        canvas.line((x.at(only.ci.0), y), (x.at(only.ci.1), y), color, 2.0);
    } else {
        for (name, outcome) in outcomes {
            let tip = format!("{name}: {}", percent(outcome.accuracy));
            canvas.dot((x.at(outcome.accuracy), y), 3.0, color, 0.35, Some(&tip));
        }
    }
    let mean = outcomes.iter().map(|(_, outcome)| outcome.accuracy).sum::<f64>() / outcomes.len().max(1) as f64;
    canvas.dot((x.at(mean), y), 5.0, color, 1.0, Some(&format!("{method}: {} – {}", percent(mean), method.about())));
    canvas.text((X_SPAN.1 + 12.0, y + 4.0), 12.0, INK, Anchor::Start, &percent(mean));
}
