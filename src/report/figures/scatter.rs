//! Scatter plot of component accuracies in two runs.

use crate::{
    analysis::ComponentStats,
    component::Part,
    report::{
        axis::Axis,
        style::{BLUE, DIM, FAINT, INK, ORANGE, percent},
        svg::{Anchor, Canvas},
    },
};

const SIDE: (f64, f64) = (70.0, 430.0);

/// Draws one dot per component, with the first run on the x axis and the second on the y axis.
pub(in crate::report) fn scatter(title: &str, names: [&str; 2], runs: [&[ComponentStats]; 2], chance: f64) -> String {
    let mut canvas = Canvas::new(SIDE.1 + 120.0, SIDE.1 + 60.0);
    let accuracies = || runs.iter().flat_map(|run| run.iter().map(|stats| stats.accuracy));
    let x = Axis::around(accuracies(), SIDE);
    let y = Axis { pixels: (SIDE.1, 40.0), ..x };
    let write = |value: f64| format!("{:.0}", 100.0 * value);
    canvas.bold((SIDE.0, 24.0), 14.0, INK, Anchor::Start, title);
    x.below(&mut canvas, (40.0, SIDE.1), &format!("accuracy in {} (%)", names[0]), write);
    y.left(&mut canvas, SIDE, &format!("accuracy in {} (%)", names[1]), write);
    canvas.line((SIDE.0, SIDE.1), (SIDE.1, 40.0), FAINT, 1.5);
    canvas.line((x.at(chance), SIDE.1), (x.at(chance), 40.0), DIM, 1.0);
    canvas.line((SIDE.0, y.at(chance)), (SIDE.1, y.at(chance)), DIM, 1.0);
    canvas.text((SIDE.1 + 4.0, y.at(chance) + 4.0), 10.0, DIM, Anchor::Start, "chance");
    for (a, b) in runs[0].iter().zip(runs[1]) {
        let color = if a.component.part == Part::Mlp { ORANGE } else { BLUE };
        let tip = format!("{}: {} and {}", a.component, percent(a.accuracy), percent(b.accuracy));
        canvas.dot((x.at(a.accuracy), y.at(b.accuracy)), 4.0, color, 0.7, Some(&tip));
    }
    for (line, (color, words)) in [(BLUE, "head"), (ORANGE, "MLP")].into_iter().enumerate() {
        let at = 52.0 + 18.0 * line as f64;
        canvas.dot((SIDE.1 + 16.0, at), 4.0, color, 0.7, None);
        canvas.text((SIDE.1 + 26.0, at + 4.0), 11.0, DIM, Anchor::Start, words);
    }
    canvas.finish()
}
